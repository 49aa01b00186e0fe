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
  private readonly all = new SortedNames();
  private readonly byRoom = new Map<string, SortedNames>();

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
    this.unlist(person.present);
    const ofLife = this.byLife.get(person.life ?? '');
    ofLife?.delete(canonical);
    if (ofLife?.size === 0) this.byLife.delete(person.life ?? '');
  }

  ofLife(life: string): Person[] {
    return [...(this.byLife.get(life) ?? [])].flatMap((canonical) => this.persons.get(canonical) ?? []);
  }

  /** Names in order, after a name: of those in one room, or of all. */
  names(after: string | undefined, limit: number, room?: string): readonly string[] {
    const names = room === undefined ? this.all : this.byRoom.get(room);
    return names?.page(after, limit) ?? [];
  }

  /** Those whose names these are. */
  page(after: string | undefined, limit: number, room?: string): Present[] {
    const names = this.names(after, limit, room);
    return names.flatMap((name) => this.persons.get(this.byName.get(name) ?? '')?.present ?? []);
  }

  private set(person: Person): void {
    const { canonical, name, room } = person.present;
    const before = this.persons.get(canonical);
    if (before && before.life !== person.life) this.byLife.get(before.life ?? '')?.delete(canonical);
    if (before) this.unlist(before.present);
    this.persons.set(canonical, person);
    this.byName.set(name, canonical);
    this.all.add(name);
    const there = this.byRoom.get(room) ?? new SortedNames();
    this.byRoom.set(room, there);
    there.add(name);
  }

  private unlist({ name, room }: Present): void {
    this.all.remove(name);
    this.byName.delete(name);
    const there = this.byRoom.get(room);
    there?.remove(name);
    if (there?.size === 0) this.byRoom.delete(room);
  }
}
