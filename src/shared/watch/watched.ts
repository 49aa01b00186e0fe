import type { FastifyReply } from 'fastify';
import type { Observable } from 'rxjs';
import type { Watcher } from '../async/poll';
import { Polls } from '../async/polls';
import { asInternal } from '../auth/caller';
import { type ServerStream, serveChanges } from '../grpc/grpc.changes';
import { streamChanges } from '../http/http.changes';
import type { WatchPlaces } from './watch-places';

const everyMs = 500;

export interface WatchedOptions<Answer> {
  readonly places: WatchPlaces;
  /** Answers what there is of this name, as the caller who is current. @throws AppError */
  readonly ask: (name: string) => Promise<Answer>;
  /** True when the answer changes no more. */
  readonly isFinal: (answer: Answer) => boolean;
}

/**
 * Something that has a name and changes until it has ended, streamed over gRPC and as server-sent events whenever it has
 * changed. Those who watch one share the looks at it; each has asked for it once before, as the caller.
 */
export class Watched<Answer extends object> {
  private readonly polls = new Polls<Answer>(everyMs);

  constructor(private readonly options: WatchedOptions<Answer>) {}

  /** @throws AppError what asking throws; (on the stream) rate_limited, unavailable */
  async serve(call: ServerStream<Answer>, name: string): Promise<Observable<Answer>> {
    const { ask, places } = this.options;
    await ask(name);
    return serveChanges<Answer>(
      call,
      ({ tell, fail }) => this.join(name, { tell: (answer) => tell({ answer, text: JSON.stringify(answer) }), fail }),
      places.ofCaller(),
    );
  }

  /** @throws AppError what asking throws, and rate_limited */
  async stream(reply: FastifyReply, name: string): Promise<FastifyReply> {
    const { ask, isFinal, places } = this.options;
    await ask(name);
    return streamChanges(
      reply,
      ({ tell, fail }) =>
        this.join(name, { tell: (seen) => tell({ text: JSON.stringify(seen), last: isFinal(seen) }), fail }),
      places.ofCaller(),
    );
  }

  private join(name: string, watcher: Watcher<Answer>): () => void {
    const { ask, isFinal } = this.options;
    // The looks go on for all who come, so they run as nobody of them.
    const look = (): Promise<Answer> => asInternal(async () => ({ ...(await ask(name)) }));
    return this.polls.join(name, watcher, look, isFinal);
  }
}
