import type { Cluster, Redis } from 'ioredis';

/**
 * A connection that reconnects for ever. A command fails at once while there is no connection and after a second
 * without an answer; then it may have been done or not, but is never sent again. Not for blocking
 * reads: they would look like a server that does not answer.
 */
export type RedisClient = Redis | Cluster;

/** A cluster has one to each node. */
export function connections(client: RedisClient): Redis[] {
  return client.isCluster ? (client as Cluster).nodes() : [client as Redis];
}
