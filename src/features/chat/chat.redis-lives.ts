import type { Command, Present } from './chat.effects';

/** Who is here by other processes, as Redis has told, life by life; a life whose version has moved on unseen is read again. */
export class ChatLives {
  private readonly versions = new Map<string, number>();
  private readonly users = new Map<string, Map<string, Present>>();

  constructor(
    private readonly own: string,
    private readonly dispatch: (command: Command) => void,
  ) {}

  /** News of one user. Where news before it were lost, the next beat reads all. */
  heard(life: string, version: number, canonical: string, user: Present | undefined): void {
    if (life === this.own) return;
    const known = this.versions.get(life);
    if (known === undefined || version !== known + 1) return;
    this.versions.set(life, version);
    this.set(life, canonical, user);
  }

  gone(life: string): void {
    this.versions.delete(life);
    if (this.users.delete(life)) this.dispatch({ type: 'gone', life });
  }

  /** Of the lives that there are, those that have to be read; those that are no longer there are gone. */
  stale(lives: ReadonlyMap<string, number>): string[] {
    for (const life of [...this.versions.keys()]) if (!lives.has(life)) this.gone(life);
    const others = [...lives].filter(([life, version]) => life !== this.own && this.versions.get(life) !== version);
    return others.map(([life]) => life);
  }

  /** All users of a life, which had this version before they were read: news that came since are taken in twice. */
  read(life: string, version: number, users: ReadonlyMap<string, Present>): void {
    for (const canonical of [...(this.users.get(life)?.keys() ?? [])])
      if (!users.has(canonical)) this.set(life, canonical, undefined);
    for (const [canonical, user] of users) this.set(life, canonical, user);
    this.versions.set(life, version);
    if (!this.users.has(life)) this.users.set(life, new Map());
  }

  private set(life: string, canonical: string, user: Present | undefined): void {
    const users = this.users.get(life) ?? new Map<string, Present>();
    this.users.set(life, users);
    if (user) {
      users.set(canonical, user);
      this.dispatch({ type: 'elsewhere', life, present: user });
    } else if (users.delete(canonical)) this.dispatch({ type: 'gone', life, canonical });
  }
}
