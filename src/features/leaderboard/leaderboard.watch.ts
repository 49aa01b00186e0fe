import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge } from 'prom-client';
import type { Leaderboard, WatchLeaderboardRequest } from '../../generated/aerie/leaderboard/v1/leaderboard';
import { Poll } from '../../shared/async/poll';
import { asInternal } from '../../shared/auth/caller';
import { Config } from '../../shared/config/config';
import { Peers } from '../../shared/connections/peers';
import { Places } from '../../shared/connections/places';
import { PageTokens } from '../../shared/contract/page-token';
import { type ServerStream, serveChanges, type Told } from '../../shared/grpc/grpc.changes';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { currentContext } from '../../shared/tracing/request-context';
import { LeaderboardApi } from './leaderboard.api';
import { BoardTokens } from './leaderboard.board-tokens';
import type { WindowKind } from './leaderboard.calendar';
import { LeaderboardSettings } from './leaderboard.settings';

const everyMs = 500;
const defaultLimit = 10;
const maxLimit = 100;

/** `WatchLeaderboard`: a board's first page whenever it has changed. Those who watch one board share the looks at it. */
@Injectable()
export class LeaderboardWatch {
  private readonly polls = new Map<string, Poll<Pages>>();
  private readonly tokens: BoardTokens;
  private readonly places: Places;
  private readonly peers: Peers;

  constructor(
    private readonly leaderboard: LeaderboardApi,
    private readonly lifecycle: Lifecycle,
    pageTokens: PageTokens,
    { trustedProxies }: Config,
    { watchers: max, watchersPerAddress: perAddress }: LeaderboardSettings,
    @InjectMetric('leaderboard_watchers') watchers: Gauge,
    @InjectMetric('leaderboard_watchers_refused_total') refused: Counter<'reason'>,
  ) {
    this.tokens = new BoardTokens(pageTokens);
    this.places = new Places(
      { max, perAddress },
      (taken) => watchers.set(taken),
      (reason) => refused.inc({ reason }),
    );
    this.peers = new Peers(trustedProxies);
  }

  /** @throws AppError (on the stream) validation_failed, season_not_found, rate_limited, unavailable */
  watch(call: ServerStream<Leaderboard>, { window, key, limit = defaultLimit }: WatchLeaderboardRequest) {
    const { peer } = currentContext() ?? {};
    // A proxy that does not say for whom it asks stands for everybody.
    const address = peer !== undefined && this.peers.isTrusted(peer) ? undefined : peer;
    return serveChanges<Leaderboard>(
      call,
      ({ tell, fail }) => this.join({ window, key }, { tell: (pages) => tell(pages.of(limit)), fail }),
      { draining: this.lifecycle.draining, enter: () => this.places.take(address) },
    );
  }

  private join(board: BoardName, watcher: Parameters<Poll<Pages>['watch']>[0]): () => void {
    const name = JSON.stringify([board.window, board.key]);
    const poll = this.polls.get(name) ?? this.pollOf(board);
    this.polls.set(name, poll);
    const leave = poll.watch(watcher);
    return () => {
      leave();
      if (poll.idle && this.polls.get(name) === poll) this.polls.delete(name);
    };
  }

  private pollOf(board: BoardName): Poll<Pages> {
    // The poll goes on for all who come, so it runs as nobody of them.
    const look = (): Promise<Pages> =>
      asInternal(async () => {
        const top = await this.leaderboard.getLeaderboard({ ...board, limit: maxLimit });
        return new Pages(top, this.tokens);
      });
    // Without a key the current window is meant, and a later look finds another one.
    return new Poll(look, { everyMs, isFinal: ({ closed }) => closed && board.key !== undefined });
  }
}

type BoardName = Pick<WatchLeaderboardRequest, 'window' | 'key'>;

/** First pages of one board at one moment: each size is made once, however many ask for it. */
class Pages {
  private readonly made = new Map<number, Told<Leaderboard>>();

  constructor(
    private readonly top: Leaderboard,
    private readonly tokens: BoardTokens,
  ) {}

  get closed(): boolean {
    return this.top.state === 'closed';
  }

  of(limit: number): Told<Leaderboard> {
    const known = this.made.get(limit);
    if (known) return known;
    const answer = this.first(limit);
    const told = { answer, text: JSON.stringify(answer) };
    this.made.set(limit, told);
    return told;
  }

  private first(limit: number): Leaderboard {
    const { window, key, entries } = this.top;
    const last = entries[limit - 1];
    if (!last || limit === entries.length) return { ...this.top };
    const score = { ...last, achievedAt: Date.parse(last.achievedAt) };
    const nextPageToken = this.tokens.encode(window as WindowKind, key, score, limit + 1);
    return { ...this.top, entries: entries.slice(0, limit), nextPageToken };
  }
}
