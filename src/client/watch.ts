import { setTimeout as delay } from 'node:timers/promises';
import type { LeaderboardApi } from '../features/leaderboard/leaderboard.api';
import type { Leaderboard, WatchLeaderboardRequest } from '../generated/aerie/leaderboard/v1/leaderboard';
import { type GrpcChannel, received } from '../shared/remote/grpc.client';

const everyMs = 1000;

/** A board now, and again whenever it has changed, as the server tells it. */
export function watchStream(channel: GrpcChannel, request: WatchLeaderboardRequest): AsyncIterable<Leaderboard> {
  return received(channel.serverStream<Leaderboard>('watchLeaderboard', request));
}

/** The same for HTTP, which has no such stream: asks every second. */
export async function* watchByAsking(
  api: LeaderboardApi,
  request: WatchLeaderboardRequest,
): AsyncGenerator<Leaderboard> {
  for (let told = ''; ; await delay(everyMs)) {
    const board = await api.getLeaderboard(request);
    const text = JSON.stringify(board);
    if (text !== told) yield board;
    told = text;
  }
}
