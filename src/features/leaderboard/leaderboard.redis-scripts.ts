import { RedisScript } from '../../shared/redis/redis.script';
import type { PlayerScore } from './leaderboard.ranking';

// A board in Redis is three keys with one hash tag. `order`: a sorted set; its scores are the negated points, so that the
// first is the best, and its members begin with the time, so that ties are in order, too: Redis compares members byte by
// byte. `players`: what each player has now, to find the member. `meta`: the revision, and how many players there are.

const timeDigits = 15;

/** Fixed width, so that text compares as numbers do. */
function timeOf({ achievedAt }: PlayerScore): string {
  return String(achievedAt).padStart(timeDigits, '0');
}

/** A player's score as the scripts take it: id, points, time. Numbers stay text: Lua would print 14 digits of them. */
export function scoreArgs(score: PlayerScore): [string, string, string] {
  return [score.playerId, String(score.score), timeOf(score)];
}

/** The scores of a range of `order`, which Redis answers as member, score, member, score. */
export function scoresOf(range: readonly string[]): PlayerScore[] {
  const scores: PlayerScore[] = [];
  for (let i = 0; i < range.length; i += 2) {
    const member = range[i] ?? '';
    const achievedAt = Number(member.slice(0, timeDigits));
    scores.push({ playerId: member.slice(timeDigits), score: -Number(range[i + 1]), achievedAt });
  }
  return scores;
}

const put = `
local order, players = KEYS[1], KEYS[2]
local function put(id, points, time)
  local known = redis.call('HGET', players, id)
  if known then
    if tonumber(string.sub(known, ${timeDigits + 1})) >= tonumber(points) then return end
    redis.call('ZREM', order, string.sub(known, 1, ${timeDigits}) .. id)
  end
  redis.call('ZADD', order, '-' .. points, time .. id)
  redis.call('HSET', players, id, time .. points)
end`;

// A board whose keys do not agree was evicted in part, or is being made: it is none.
const whole = `
local order, players, meta = KEYS[1], KEYS[2], KEYS[3]
local told = redis.call('HMGET', meta, 'revision', 'count')
local count = redis.call('ZCARD', order)
if not told[1] or tonumber(told[2]) ~= count or redis.call('HLEN', players) ~= count then return {-1} end
local revision = tonumber(told[1])`;

// KEYS: order, players. ARGV: milliseconds that they are kept, then id, points and time of each. Scores only grow, so that
// what comes late or twice is harmless.
export const fillScript = new RedisScript(`${put}
for i = 2, #ARGV, 3 do put(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
redis.call('PEXPIRE', order, ARGV[1])
redis.call('PEXPIRE', players, ARGV[1])
return 1`);

// KEYS: order, players, meta. ARGV: milliseconds that they are kept, the revision that changes follow, the one that they make,
// then their scores. Answers the revision of the board; -1: there is none. What does not follow is not put in.
export const applyScript = new RedisScript(`${whole}
if revision ~= tonumber(ARGV[2]) then return {revision} end
${put}
for i = 4, #ARGV, 3 do put(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
redis.call('HSET', meta, 'revision', ARGV[3], 'count', redis.call('ZCARD', order))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[1]) end
return {tonumber(ARGV[3])}`);

// KEYS: order, players, meta. ARGV: a player's id, points and time, or the id alone: makes it exactly this.
export const repairScript = new RedisScript(`
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then redis.call('ZREM', KEYS[1], string.sub(known, 1, ${timeDigits}) .. ARGV[1]) end
redis.call('HDEL', KEYS[2], ARGV[1])
if ARGV[2] then
  redis.call('ZADD', KEYS[1], '-' .. ARGV[2], ARGV[3] .. ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ARGV[2])
end
redis.call('HSET', KEYS[3], 'count', redis.call('ZCARD', KEYS[1]))
return 1`);

// KEYS: order, players, meta, and order and players of the board that was made. ARGV: milliseconds, its revision.
export const replaceScript = new RedisScript(`
local count = redis.call('ZCARD', KEYS[4])
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
if count > 0 then
  redis.call('RENAME', KEYS[4], KEYS[1])
  redis.call('RENAME', KEYS[5], KEYS[2])
end
redis.call('HSET', KEYS[3], 'revision', ARGV[2], 'count', count)
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
return 1`);

// KEYS: order, players, meta. ARGV: limit, then points, time and id of the player before the page, if there is one. Answers
// revision, total, players passed, range. A member that sorts right behind that player is put in for a moment: its place is
// the number of those before it, also when the player has moved on.
export const pageScript = new RedisScript(`${whole}
local from = 0
if ARGV[2] then
  local mark = ARGV[3] .. ARGV[4] .. '\\0'
  redis.call('ZADD', order, '-' .. ARGV[2], mark)
  from = redis.call('ZRANK', order, mark)
  redis.call('ZREM', order, mark)
end
return {revision, count, from, redis.call('ZRANGE', order, from, from + tonumber(ARGV[1]) - 1, 'WITHSCORES')}`);

// KEYS: order, players, meta. ARGV: player id, players on each side. Answers revision, total, and for a player with a score
// players passed and range.
export const aroundScript = new RedisScript(`${whole}
local known = redis.call('HGET', players, ARGV[1])
if not known then return {revision, count} end
local rank = redis.call('ZRANK', order, string.sub(known, 1, ${timeDigits}) .. ARGV[1])
if not rank then return {-1} end
local each = tonumber(ARGV[2])
local from = math.max(0, rank - each)
return {revision, count, from, redis.call('ZRANGE', order, from, rank + each, 'WITHSCORES')}`);

// KEYS: order, players, meta. ARGV: player ids. Answers the revision, then for each player the points in both keys and the
// time, or empty texts.
export const inspectScript = new RedisScript(`${whole}
local answer = {revision}
for _, id in ipairs(ARGV) do
  local known = redis.call('HGET', players, id)
  local time = known and string.sub(known, 1, ${timeDigits}) or ''
  answer[#answer + 1] = known and string.sub(known, ${timeDigits + 1}) or ''
  answer[#answer + 1] = known and redis.call('ZSCORE', order, time .. id) or ''
  answer[#answer + 1] = time
end
return answer`);
