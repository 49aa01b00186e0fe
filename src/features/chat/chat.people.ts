import type { ClientId, Present } from './chat.effects';
import { SortedNames } from './chat.sorted-names';

/** Somebody who is in a room: by a connection of this process, or of the process with this life. */
export interface Person {
  readonly present: Present;
  readonly client?: ClientId;
  readonly life?: string;
}

/** Everybody by name, in all processes. Names are compared in their canonical form. */
export class People {
  private readonly persons = new Map<string, Person>();
  private readonly byName = new Map<string, string>();
  private readonly byLife = new Map<string, Set<string>>();
  // Names that somebody of this process has asked for.
  private readonly reserved = new Set<string>();
  // Those elsewhere whose name somebody here has, too: after a cut, until one of them has gone.
  private readonly doubles = new Map<string, { readonly life: string; readonly present: Present }>();
  private readonly names = new SortedNames();

  /** True when the name is somebody's, or is about to be. */
  has(canonical: string): boolean {
    return this.reserved.has(canonical) || this.persons.has(canonical);
  }

  reserve(canonical: string): void {
    this.reserved.add(canonical);
  }

  find(canonical: string): Person | undefined {
    return this.persons.get(canonical);
  }

  put(present: Present, client: ClientId): void {
    this.set({ present, client });
  }

  putElsewhere(present: Present, life: string): void {
    this.set({ present, life });
    const ofLife = this.byLife.get(life) ?? new Set();
    this.byLife.set(life, ofLife.add(present.canonical));
  }

  /** Somebody elsewhere has the name of somebody here. */
  putDouble(present: Present, life: string): void {
    this.doubles.set(present.canonical, { life, present });
  }

  /** The double of a name, which is one no more. */
  takeDouble(canonical: string): { readonly life: string; readonly present: Present } | undefined {
    const double = this.doubles.get(canonical);
    this.doubles.delete(canonical);
    return double;
  }

  /** Doubles of a life that is gone, or that one of them. */
  dropDoubles(life: string, canonical?: string): void {
    for (const [name, double] of this.doubles)
      if (double.life === life && (canonical ?? name) === name) this.doubles.delete(name);
  }

  /** The name is asked for no more. Who has it elsewhere keeps it. */
  unreserve(canonical: string): void {
    this.reserved.delete(canonical);
  }

  remove(canonical: string): void {
    const person = this.persons.get(canonical);
    if (!person) return;
    this.persons.delete(canonical);
    this.names.remove(person.present.name);
    this.byName.delete(person.present.name);
    const ofLife = this.byLife.get(person.life ?? '');
    ofLife?.delete(canonical);
    if (ofLife?.size === 0) this.byLife.delete(person.life ?? '');
  }

  ofLife(life: string): Person[] {
    return [...(this.byLife.get(life) ?? [])].flatMap((canonical) => this.persons.get(canonical) ?? []);
  }

  /** Those who are in a room now, by whatever process. */
  inRoom(room: string): Present[] {
    return [...this.persons.values()].flatMap(({ present }) => (present.room === room ? present : []));
  }

  /** Those of this process. */
  *here(): Generator<Present> {
    for (const { present, client } of this.persons.values()) if (client !== undefined) yield present;
  }

  /** By name, after a name: those in one room, or all. */
  page(after: string | undefined, limit: number, room?: string): Present[] {
    if (room === undefined) return this.named(this.names.page(after, limit));
    const there = this.inRoom(room).filter(({ name }) => after === undefined || name > after);
    return there.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
  }

  private named(names: readonly string[]): Present[] {
    return names.flatMap((name) => this.persons.get(this.byName.get(name) ?? '')?.present ?? []);
  }

  private set(person: Person): void {
    const { canonical, name } = person.present;
    const before = this.persons.get(canonical);
    if (before && before.life !== person.life) this.byLife.get(before.life ?? '')?.delete(canonical);
    if (before && before.present.name !== name) {
      this.names.remove(before.present.name);
      this.byName.delete(before.present.name);
    }
    this.persons.set(canonical, person);
    this.byName.set(name, canonical);
    this.names.add(name);
  }
}
