import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge } from 'prom-client';
import type { Leaderboard, WatchLeaderboardRequest } from '../../generated/aerie/leaderboard/v1/leaderboard';
import type { Watcher } from '../../shared/async/poll';
import { Polls } from '../../shared/async/polls';
import { asInternal } from '../../shared/auth/caller';
import { Config } from '../../shared/config/config';
import { PageTokens } from '../../shared/contract/page-token';
import { type ServerStream, serveChanges, type Told } from '../../shared/grpc/grpc.changes';
import { Lifecycle } from '../../shared/lifecycle/lifecycle';
import { WatchPlaces } from '../../shared/watch/watch-places';
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
  private readonly polls = new Polls<Pages>(everyMs);
  private readonly tokens: BoardTokens;
  private readonly places: WatchPlaces;

  constructor(
    private readonly leaderboard: LeaderboardApi,
    lifecycle: Lifecycle,
    pageTokens: PageTokens,
    { trustedProxies }: Config,
    { watchers, watchersPerAddress }: LeaderboardSettings,
    @InjectMetric('leaderboard_watchers') taken: Gauge,
    @InjectMetric('leaderboard_watchers_refused_total') refused: Counter<'reason'>,
  ) {
    const limits = { trustedProxies, watchers, watchersPerAddress };
    this.tokens = new BoardTokens(pageTokens);
    this.places = new WatchPlaces(lifecycle, limits, { watchers: taken, refused });
  }

  /** @throws AppError (on the stream) validation_failed, season_not_found, rate_limited, unavailable */
  watch(call: ServerStream<Leaderboard>, { window, key, limit = defaultLimit }: WatchLeaderboardRequest) {
    return serveChanges<Leaderboard>(
      call,
      ({ tell, fail }) => this.join({ window, key }, { tell: (pages) => tell(pages.of(limit)), fail }),
      this.places.ofCaller(),
    );
  }

  private join(board: BoardName, watcher: Watcher<Pages>): () => void {
    // The looks go on for all who come, so they run as nobody of them.
    const look = (): Promise<Pages> =>
      asInternal(async () => {
        const top = await this.leaderboard.getLeaderboard({ ...board, limit: maxLimit });
        return new Pages(top, this.tokens);
      });
    // Without a key the current window is meant, and a later look finds another one.
    const isFinal = ({ closed }: Pages): boolean => closed && board.key !== undefined;
    return this.polls.join(JSON.stringify([board.window, board.key]), watcher, look, isFinal);
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
