import { RedisScript } from '../../shared/redis/redis.script';

/**
 * All keys of chat begin with this and are on one server of a cluster. A life is one start of one process. `lives`: hash of
 * life -> version of its users; `life:<life>`: there while it lives; `users:<life>`: hash of canonical name -> JSON of the
 * user; `names`: hash of canonical name -> life; `room:<room>`: hash of epoch and seq; `log:<room>`: list of JSON of the
 * latest messages, without a hole; `ids:<room>`: hash of sender and own id -> seq and digest, and `order:<room>`: the list of
 * these, oldest first. What is said goes to the channel `news`.
 */
export const chatKeys = '{aerie:chat}:';

/** Rooms that nobody has talked in for so long are forgotten. Seconds. */
const keepRooms = 7 * 86_400;
/** Rooms in which nothing was said are there while somebody is in them, who says so more often. Seconds. */
const keepSilent = 90;

/**
 * KEYS: the prefix. ARGV: life, lease in milliseconds. Extends the lease, and buries lives whose lease is over: their names
 * are free then. Answers 1 if the life was there before, 0 if Redis has lost it, then each life that lives and its version.
 */
export const beatScript = new RedisScript(`
local p, life = KEYS[1], ARGV[1]
local known = redis.call('EXISTS', p .. 'life:' .. life)
redis.call('SET', p .. 'life:' .. life, '1', 'PX', ARGV[2])
redis.call('HSETNX', p .. 'lives', life, 0)
local answer = { known }
local lives = redis.call('HGETALL', p .. 'lives')
for i = 1, #lives, 2 do
  local one = lives[i]
  if redis.call('EXISTS', p .. 'life:' .. one) == 1 then
    answer[#answer + 1] = one
    answer[#answer + 1] = lives[i + 1]
  else
    for _, name in ipairs(redis.call('HKEYS', p .. 'users:' .. one)) do
      if redis.call('HGET', p .. 'names', name) == one then redis.call('HDEL', p .. 'names', name) end
    end
    redis.call('DEL', p .. 'users:' .. one)
    redis.call('HDEL', p .. 'lives', one)
  end
end
return answer`);

/** KEYS: the prefix. ARGV: life, then canonical names. Answers 1 for each that is this life's now, 0 for another's. */
export const claimScript = new RedisScript(`
local p, life, answer = KEYS[1], ARGV[1], {}
for i = 2, #ARGV do
  local owner = redis.call('HGET', p .. 'names', ARGV[i])
  if owner and owner ~= life and redis.call('EXISTS', p .. 'life:' .. owner) == 1 then
    answer[i - 1] = 0
  else
    redis.call('HSET', p .. 'names', ARGV[i], life)
    answer[i - 1] = 1
  end
end
return answer`);

/**
 * KEYS: the prefix. ARGV: life, a version that it never had, then pairs of a canonical name and the JSON of its user, or ''
 * for one who is in no room yet. In the place of all that Redis has of this life. Answers 1 for each name that is this life's
 * now, 0 for another's.
 */
export const returnScript = new RedisScript(`
local p, life, answer = KEYS[1], ARGV[1], {}
local names = redis.call('HGETALL', p .. 'names')
for i = 1, #names, 2 do
  if names[i + 1] == life then redis.call('HDEL', p .. 'names', names[i]) end
end
redis.call('DEL', p .. 'users:' .. life)
for i = 3, #ARGV, 2 do
  local owner = redis.call('HGET', p .. 'names', ARGV[i])
  local place = #answer + 1
  if owner and redis.call('EXISTS', p .. 'life:' .. owner) == 1 then
    answer[place] = 0
  else
    redis.call('HSET', p .. 'names', ARGV[i], life)
    if ARGV[i + 1] ~= '' then redis.call('HSET', p .. 'users:' .. life, ARGV[i], ARGV[i + 1]) end
    answer[place] = 1
  end
end
redis.call('HSET', p .. 'lives', life, ARGV[2])
return answer`);

/** KEYS: the prefix. ARGV: life, canonical name, JSON of the user or '' for one who has left. Answers the new version. */
export const presentScript = new RedisScript(`
local p, life, name, user = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if user == '' then redis.call('HDEL', p .. 'users:' .. life, name)
else redis.call('HSET', p .. 'users:' .. life, name, user) end
local version = redis.call('HINCRBY', p .. 'lives', life, 1)
redis.call('PUBLISH', p .. 'news', cjson.encode({ t = 'user', life = life, version = version, name = name, user = user }))
return version`);

/** KEYS: the prefix. ARGV: life, canonical name. */
export const releaseScript = new RedisScript(`
if redis.call('HGET', KEYS[1] .. 'names', ARGV[2]) == ARGV[1] then redis.call('HDEL', KEYS[1] .. 'names', ARGV[2]) end
return 1`);

/** KEYS: the prefix. ARGV: life. It ends by itself. */
export const leaveScript = new RedisScript(`
local p, life = KEYS[1], ARGV[1]
for _, name in ipairs(redis.call('HKEYS', p .. 'users:' .. life)) do
  if redis.call('HGET', p .. 'names', name) == life then redis.call('HDEL', p .. 'names', name) end
end
redis.call('DEL', p .. 'users:' .. life, p .. 'life:' .. life)
redis.call('HDEL', p .. 'lives', life)
redis.call('PUBLISH', p .. 'news', cjson.encode({ t = 'gone', life = life }))
return 1`);

/** KEYS: the prefix. ARGV: room, an epoch for a room that has none, or '' to make none. Answers epoch, seq and the messages. */
export const openScript = new RedisScript(`
local p, room = KEYS[1], ARGV[1]
local state = redis.call('HMGET', p .. 'room:' .. room, 'epoch', 'seq')
if not state[1] then
  if ARGV[2] ~= '' then
    redis.call('HSET', p .. 'room:' .. room, 'epoch', ARGV[2], 'seq', 0)
    redis.call('DEL', p .. 'log:' .. room)
    redis.call('EXPIRE', p .. 'room:' .. room, ${keepSilent})
  end
  return { ARGV[2], '0', {} }
end
return { state[1], state[2], redis.call('LRANGE', p .. 'log:' .. room, 0, -1) }`);

/**
 * KEYS: the prefix. ARGV: room, an epoch for a room that has none, messages to keep, ids to keep, JSON of the message, sender
 * and own id or '', a digest of the text, the sender's life, and the name that it must have. Answers epoch and seq and 'said',
 * 'duplicate', 'reused', or 'lost': another process has the name by now.
 */
export const publishScript = new RedisScript(`
local p, room = KEYS[1], ARGV[1]
local owner = ARGV[9] ~= '' and redis.call('HGET', p .. 'names', ARGV[9])
if owner and owner ~= ARGV[8] then return { '', 0, 'lost' } end
local state, log, ids, order = p .. 'room:' .. room, p .. 'log:' .. room, p .. 'ids:' .. room, p .. 'order:' .. room
if redis.call('HSETNX', state, 'epoch', ARGV[2]) == 1 then
  redis.call('HSET', state, 'seq', 0)
  redis.call('DEL', log)
end
local epoch = redis.call('HGET', state, 'epoch')
if ARGV[6] ~= '' then
  local before = redis.call('HGET', ids, ARGV[6])
  if before then
    local seq, digest = before:match('^(%d+) (.+)$')
    if digest == ARGV[7] then return { epoch, seq, 'duplicate' } end
    return { epoch, seq, 'reused' }
  end
end
local seq = redis.call('HINCRBY', state, 'seq', 1)
local text = '{"seq":' .. seq .. ',' .. ARGV[5]:sub(2)
redis.call('RPUSH', log, text)
redis.call('LTRIM', log, -tonumber(ARGV[3]), -1)
if ARGV[6] ~= '' then
  redis.call('HSET', ids, ARGV[6], seq .. ' ' .. ARGV[7])
  redis.call('RPUSH', order, ARGV[6])
  while redis.call('LLEN', order) > tonumber(ARGV[4]) do redis.call('HDEL', ids, redis.call('LPOP', order)) end
end
for _, key in ipairs({ state, log, ids, order }) do redis.call('EXPIRE', key, ${keepRooms}) end
redis.call('PUBLISH', p .. 'news', '{"t":"said","room":' .. cjson.encode(room) .. ',"epoch":"' .. epoch .. '","message":' .. text .. '}')
return { epoch, seq, 'said' }`);

/** KEYS: the prefix. ARGV: rooms. They are not forgotten for another while. */
export const touchScript = new RedisScript(`
for i = 1, #ARGV do
  local key = KEYS[1] .. 'room:' .. ARGV[i]
  local left = redis.call('TTL', key)
  if left >= 0 and left < ${keepSilent} then redis.call('EXPIRE', key, ${keepSilent}) end
end
return 1`);

/** KEYS: the prefix. ARGV: room, ids to keep, then pairs of sender and own id, and a digest of the text. */
export const rememberScript = new RedisScript(`
local ids, order = KEYS[1] .. 'ids:' .. ARGV[1], KEYS[1] .. 'order:' .. ARGV[1]
for i = 3, #ARGV, 2 do
  if redis.call('HSETNX', ids, ARGV[i], '0 ' .. ARGV[i + 1]) == 1 then redis.call('RPUSH', order, ARGV[i]) end
end
while redis.call('LLEN', order) > tonumber(ARGV[2]) do redis.call('HDEL', ids, redis.call('LPOP', order)) end
for _, key in ipairs({ ids, order }) do redis.call('EXPIRE', key, ${keepRooms}) end
return 1`);

/** KEYS: the prefix. ARGV: room, epoch, seq. The text is gone from Redis then, too. Answers 1, or 0 where it is not kept. */
export const buryScript = new RedisScript(`
local p, room, seq = KEYS[1], ARGV[1], tonumber(ARGV[3])
local state = redis.call('HMGET', p .. 'room:' .. room, 'epoch', 'seq')
if state[1] ~= ARGV[2] then return 0 end
local log = p .. 'log:' .. room
local index = redis.call('LLEN', log) - (tonumber(state[2]) - seq) - 1
local text = index >= 0 and redis.call('LINDEX', log, index)
if not text then return 0 end
local message = cjson.decode(text)
if message.seq ~= seq then return 0 end
message.text = ''
message.deleted = true
redis.call('LSET', log, index, cjson.encode(message))
redis.call('PUBLISH', p .. 'news', cjson.encode({ t = 'deleted', room = room, epoch = ARGV[2], seq = seq }))
return 1`);
