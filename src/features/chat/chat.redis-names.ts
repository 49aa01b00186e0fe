import type { ClientId, Command, Present } from './chat.effects';
import type { ChatRedisStore } from './chat.redis-store';

/** Asks Redis, unless it is known not to answer; `otherwise` is done where it does not. */
export type AskRedis = <T>(work: () => Promise<T>, answered?: (value: T) => void, otherwise?: () => void) => void;

/** The names of this process and who is here by them, as Redis is told. A name without Redis is free where nobody here has it. */
export class ChatRedisNames {
  private readonly owners = new Map<string, ClientId>();
  private readonly here = new Map<string, Present>();

  constructor(
    private readonly store: ChatRedisStore,
    private readonly ask: AskRedis,
    private readonly dispatch: (command: Command) => void,
  ) {}

  claim(client: ClientId, canonical: string): void {
    this.owners.set(canonical, client);
    this.ask(
      () => this.store.claim([canonical]),
      ([owned]) => (owned ? this.grant(client) : this.lose(canonical, client)),
      () => this.grant(client),
    );
  }

  release(canonical: string): void {
    this.owners.delete(canonical);
    this.ask(() => this.store.release(canonical));
  }

  present(present: Present): void {
    this.here.set(present.canonical, present);
    this.ask(() => this.store.present(present));
  }

  absent(canonical: string): void {
    this.here.delete(canonical);
    this.ask(() => this.store.absent(canonical));
  }

  /** Tells Redis all anew. The function that it answers with is to be called once Redis is asked again. */
  async comeBack(): Promise<() => void> {
    const [owners, here] = [new Map(this.owners), new Map(this.here)];
    const owned = await this.store.comeBack([...owners.keys()], here);
    return () => {
      for (const [i, [canonical, client]] of [...owners].entries()) if (!owned[i]) this.lose(canonical, client);
      this.tellSince(owners, here);
    };
  }

  /** Who came and went while Redis was told the rest. */
  private tellSince(owners: ReadonlyMap<string, ClientId>, here: ReadonlyMap<string, Present>): void {
    for (const canonical of owners.keys())
      if (!this.owners.has(canonical)) this.ask(() => this.store.release(canonical));
    for (const canonical of here.keys()) if (!this.here.has(canonical)) this.absent(canonical);
    for (const [canonical, client] of this.owners)
      if (!owners.has(canonical))
        this.ask(
          () => this.store.claim([canonical]),
          ([owned]) => owned || this.lose(canonical, client),
        );
    for (const present of this.here.values()) if (here.get(present.canonical) !== present) this.present(present);
  }

  private grant(client: ClientId): void {
    this.dispatch({ type: 'claimed', client, granted: true });
  }

  /** Somebody elsewhere has more right to the name. */
  private lose(canonical: string, client: ClientId): void {
    if (this.owners.get(canonical) === client) this.owners.delete(canonical);
    this.dispatch({ type: 'claimed', client, granted: false });
  }
}
