import { Poll, type PollOptions, type Watcher } from './poll';

/** One poll for each thing that is watched, as long as somebody watches it. */
export class Polls<Seen> {
  private readonly polls = new Map<string, Poll<Seen>>();

  constructor(private readonly everyMs: number) {}

  /** Watches what has this name; the first one's `look` and `isFinal` serve all. Answers how to leave. */
  join(
    name: string,
    watcher: Watcher<Seen>,
    look: () => Promise<Seen>,
    isFinal: PollOptions<Seen>['isFinal'],
  ): () => void {
    const poll = this.polls.get(name) ?? new Poll(look, { everyMs: this.everyMs, isFinal });
    this.polls.set(name, poll);
    const leave = poll.watch(watcher);
    return () => {
      leave();
      if (poll.idle && this.polls.get(name) === poll) this.polls.delete(name);
    };
  }
}
