import type { ClusterOptions, RedisOptions } from 'ioredis';
import type { RedisAddress } from '../config/redis-url';
import { nodeTls } from '../config/tls-words';

/** After so long a command has failed, whatever becomes of it in Redis. */
export const commandTimeoutMs = 1000;
const connectTimeoutMs = 900;
const maxPauseMs = 1000;

/** Back-off between connection attempts, in milliseconds; never gives up. With jitter: many clients lose one server. */
function pauseBefore(attempt: number): number {
  return Math.min(maxPauseMs, 25 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

/** With ioredis's defaults, which send a command again that may have been done, 50 increments were applied 60 times. */
function careful({ tls, username, password, family, name }: RedisAddress): RedisOptions {
  return {
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A command without a connection fails at once; queued, it would be done when its caller has long gone.
    enableOfflineQueue: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: connectTimeoutMs,
    disableClientInfo: true,
    reconnectOnError: isDemoted,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(family === undefined ? {} : { family }),
    ...(name === undefined ? {} : { connectionName: name }),
    ...(tls ? { tls: nodeTls(tls) } : {}),
  };
}

/** After a failover the old server refuses writes: ask again who the master is. The command itself has failed. */
function isDemoted(error: Error): boolean {
  return error.message.startsWith('READONLY');
}

/** The server has no database of the number that its URL names, or this user may not choose one. */
export function isDatabaseRefused(error: Error): boolean {
  const { command } = error as { readonly command?: { readonly name?: string } };
  return command?.name === 'select' && !error.message.startsWith('NOAUTH');
}

/**
 * For one server, directly or by way of sentinels. The sentinels themselves are asked without a password. Without
 * auto-pipelining, which saves a third of the client's CPU: after an outage it may keep all further commands for ever
 * (ioredis 5.11, `results[i] is not iterable` in autoPipelining.js).
 */
export function serverOptions(address: RedisAddress): RedisOptions {
  let isRefused = false;
  const options = {
    ...careful(address),
    db: address.db,
    // ioredis would go on in database 0, which is somebody else's.
    reconnectOnError: (error: Error) => {
      isRefused ||= isDatabaseRefused(error);
      return isRefused || isDemoted(error);
    },
    retryStrategy: (attempt: number) => {
      // What is on its way when it is refused counts as a connection, and the attempts begin anew.
      const pause = isRefused ? maxPauseMs : pauseBefore(attempt);
      isRefused = false;
      return pause;
    },
  };
  if (address.kind === 'single') return { ...options, ...address.hosts[0] };
  return {
    ...options,
    sentinels: address.hosts.map((host) => ({ ...host })),
    ...(address.master === undefined ? {} : { name: address.master }),
    sentinelRetryStrategy: pauseBefore,
    sentinelCommandTimeout: commandTimeoutMs,
    ...(address.tls ? { sentinelTLS: nodeTls(address.tls), enableTLSForSentinelMode: true } : {}),
  };
}

/**
 * For a cluster. ioredis gives its nodes an
 * offline queue in any case, which holds a command for as long as a node is being connected to.
 */
export function clusterOptions(address: RedisAddress): ClusterOptions {
  return {
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseBefore,
    // 0: when a node is gone its commands fail; sent to another node they could be done twice.
    retryDelayOnFailover: 0,
    // These were refused, not done, so they may be sent again: a few times, within the time limit of a command.
    maxRedirections: 5,
    slotsRefreshTimeout: connectTimeoutMs,
    slotsRefreshInterval: 2000,
    redisOptions: careful(address),
  };
}
