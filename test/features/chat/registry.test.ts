import fc from 'fast-check';
import type { ClientId, Command, Effect, Numbered, Told } from '../../../src/features/chat/chat.effects';
import { ChatRegistry } from '../../../src/features/chat/chat.registry';

// The promise: whatever is asked of it, and in whatever order answers come, every member hears every message once and in
// order, a name is one client's, and nobody is left behind in a room that is gone.

const limits = { maxRooms: 6, maxMessages: 60 };
const rooms = ['lobby', 'arena', 'den'] as const;
const names = ['ada', 'bob', 'eve', 'mel'] as const;
const texts = ['one', 'two'] as const;
const client = fc.integer({ min: 1, max: 6 });
const id = fc.option(fc.constantFrom('m-1', 'm-2'), { nil: undefined });

type Step =
  | { readonly do: 'command'; readonly command: Command }
  | { readonly do: 'answer'; readonly which: number }
  | { readonly do: 'stranger'; readonly room: string }
  | { readonly do: 'delete'; readonly room: string; readonly seq: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc
    .record({ client, name: fc.constantFrom(...names), room: fc.constantFrom(...rooms) })
    .map((one): Command => ({ type: 'register', canonical: one.name, ...one })),
  fc
    .record({ client, room: fc.constantFrom(...rooms), afterSeq: fc.option(fc.nat(8), { nil: undefined }) })
    .map((one): Command => ({ type: 'enter', ...one })),
  fc
    .record({ client: fc.integer({ min: 7, max: 8 }), room: fc.constantFrom(...rooms) })
    .map((one): Command => ({ type: 'listen', ...one })),
  fc
    .record({ client, text: fc.constantFrom(...texts), id })
    .map((one): Command => ({ type: 'say', uid: '', at: 0, ...one })),
  fc
    .record({ client, to: fc.constantFrom(...names), text: fc.constantFrom(...texts), id })
    .map((one): Command => ({ type: 'whisper', at: 0, ...one })),
  client.map((one): Command => ({ type: 'users', client: one })),
  fc
    .record({ room: fc.constantFrom(...rooms), text: fc.constantFrom(...texts), id })
    .map(({ room, text, id: own }): Command => {
      const said = { uid: '', from: 'pat', canonical: 'pat', at: 0, text, id: own };
      return { type: 'post', ref: 1, room, said };
    }),
  fc
    .record({ room: fc.constantFrom(...rooms), afterSeq: fc.nat(8) })
    .map((one): Command => ({ type: 'read', ref: 2, limit: 5, ...one })),
  fc.integer({ min: 1, max: 8 }).map((one): Command => ({ type: 'leave', client: one })),
);
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: command.map((one): Step => ({ do: 'command', command: one })) },
    { weight: 6, arbitrary: fc.nat(5).map((which): Step => ({ do: 'answer', which })) },
    { weight: 1, arbitrary: fc.constantFrom(...rooms).map((room): Step => ({ do: 'stranger', room })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ room: fc.constantFrom(...rooms), seq: fc.integer({ min: 1, max: 9 }) })
        .map((one): Step => ({ do: 'delete', ...one })),
    },
  ),
  { maxLength: 250, size: 'max' },
);

/** An exchange that answers whenever the test wants it to, in any order, and numbers the messages of all rooms. */
class LateExchange {
  readonly owed: (() => void)[] = [];
  readonly rooms = new Map<string, Numbered[]>();
  readonly heard = new Map<ClientId, Told[]>();
  readonly posted = new Set<number>();
  private uids = 0;

  constructor(readonly registry: ChatRegistry) {}

  run(command: Command): void {
    for (const effect of this.registry.apply(command)) this.perform(effect);
  }

  number(room: string, message: Omit<Numbered, 'seq'>): Numbered {
    const log = this.rooms.get(room) ?? [];
    this.rooms.set(room, log);
    const numbered = { ...message, seq: log.length + 1 };
    log.push(numbered);
    return numbered;
  }

  arrive(room: string, message: Numbered): void {
    this.owed.push(() => this.run({ type: 'arrived', room, epoch: 'E', message }));
  }

  private perform(effect: Effect): void {
    switch (effect.type) {
      case 'tell':
        this.hear(effect.client, effect.told);
        break;
      case 'broadcast':
        for (const id of effect.to.clients) if (id !== effect.to.except) this.hear(id, effect.told);
        return;
      case 'replay':
        this.hear(effect.client, effect.first);
        for (const seq of effect.deleted)
          this.hear(effect.client, { type: 'deleted', room: effect.room.room, epoch: 'E', seq });
        for (const { seq, text } of effect.messages)
          this.hear(effect.client, { type: 'message', room: effect.room.room, seq, text });
        return;
      case 'claim':
        this.owed.push(() => this.run({ type: 'claimed', client: effect.client, granted: true }));
        return;
      case 'open': {
        this.owed.push(() => {
          const messages = [...(this.rooms.get(effect.room) ?? [])];
          this.run({ type: 'opened', room: effect.room, state: { epoch: 'E', seq: messages.length, messages } });
        });
        return;
      }
      case 'publish': {
        this.uids += 1;
        const { room, said, by } = effect;
        const message = this.number(room, { ...said, uid: `u${this.uids}` });
        this.owed.push(() => {
          this.run({ type: 'arrived', room, epoch: 'E', message });
          const outcome = { kind: 'said', seq: message.seq, epoch: 'E' } as const;
          this.run({ type: 'published', room, said, by, outcome });
        });
        return;
      }
      case 'answer': {
        const { answer } = effect;
        if ('kind' in answer && answer.kind !== 'refused') this.posted.add(answer.seq);
      }
    }
  }

  private hear(client: ClientId, told: Told): void {
    this.heard.set(client, [...(this.heard.get(client) ?? []), told]);
  }
}

/** The numbers that a client has heard since it was told where a room stands: none twice, none left out, in order. */
function expectInOrder(told: readonly Told[]): void {
  let [room, last] = ['', 0];
  for (const one of told) {
    if (one.type === 'welcome' || one.type === 'room') {
      [room, last] = [one.room ?? '', one.seq ?? 0];
      // What was asked for with afterSeq comes next, and was said before.
      const replayed = told.slice(told.indexOf(one) + 1);
      const first = replayed.find(({ type }) => type === 'message' || type === 'room' || type === 'welcome');
      if (first?.type === 'message' && first.room === room && (first.seq ?? 0) <= last) last = (first.seq ?? 0) - 1;
    } else if (one.type === 'message') {
      expect([one.room, one.seq]).toEqual([room, last + 1]);
      last += 1;
    }
  }
}

test('random interleavings: every member hears every number once and in order, names are unique, rooms go away', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const registry = new ChatRegistry(limits);
      const exchange = new LateExchange(registry);
      const wishes = new Map<ClientId, string>();
      const answer = (which: number): void => {
        const [next] = exchange.owed.splice(which % Math.max(1, exchange.owed.length), 1);
        next?.();
      };
      for (const step of all) {
        if (step.do === 'command') {
          const { command: next } = step;
          if (next.type === 'leave') exchange.heard.delete(next.client);
          const before = 'client' in next ? registry.speaker(next.client) : undefined;
          exchange.run(next);
          // Where a client wants to be, whichever room opens first.
          if (next.type === 'register' && !before) wishes.set(next.client, next.room);
          if (next.type === 'enter' && before && !before.claiming) wishes.set(next.client, next.room);
        } else if (step.do === 'answer') answer(step.which);
        else if (step.do === 'stranger') {
          const said = { uid: 's', from: 'zoe', canonical: 'zoe', text: 'hi', at: 0 };
          exchange.arrive(step.room, exchange.number(step.room, said));
        } else exchange.run({ type: 'deleted', epoch: 'E', room: step.room, seq: step.seq });
        const speakers = [1, 2, 3, 4, 5, 6].flatMap((one) => registry.speaker(one) ?? []);
        const taken = speakers.map(({ canonical }) => canonical);
        expect(new Set(taken).size).toBe(taken.length);
        expect(registry.roomCount).toBeLessThanOrEqual(limits.maxRooms);
        const listed = rooms.flatMap((room) => registry.people.names(undefined, 10, room).map((name) => room + name));
        const there = speakers.flatMap(({ name, room }) => (room ? [room.name + name] : []));
        expect(listed.sort().join()).toBe(there.sort().join());
      }
      while (exchange.owed.length > 0) answer(0);
      for (const told of exchange.heard.values()) expectInOrder(told);
      // Whoever is in a room has heard all that there is of it.
      for (const [one, told] of exchange.heard) {
        const room = registry.speaker(one)?.room?.name;
        const last = told.findLast(({ type, seq }) => seq !== undefined && type !== 'deleted' && type !== 'said');
        if (room !== undefined) expect([one, room]).toEqual([one, wishes.get(one)]);
        if (room !== undefined) expect([one, last?.seq ?? 0]).toEqual([one, exchange.rooms.get(room)?.length ?? 0]);
      }
      for (let one = 1; one <= 8; one += 1) exchange.run({ type: 'leave', client: one });
      while (exchange.owed.length > 0) answer(0);
      expect(registry.people.page(undefined, 10)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('the same commands have the same effects', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const [one, other] = [new ChatRegistry(limits), new ChatRegistry(limits)];
      const effects = (registry: ChatRegistry): unknown =>
        commands.map((next) =>
          JSON.stringify(registry.apply(next), (_key, value) => (value instanceof Set ? [...value] : value)),
        );
      expect(effects(one)).toEqual(effects(other));
    }),
    { numRuns: 100 },
  );
});

test('a message to a room that nobody is in is kept, though it was opened for that message alone', () => {
  const registry = new ChatRegistry(limits);
  const said = { uid: 'u', from: 'pat', canonical: 'pat', text: 'hi', at: 0 };
  registry.apply({ type: 'post', ref: 1, room: 'den', said });
  registry.apply({ type: 'opened', room: 'den', state: { epoch: 'E', seq: 0, messages: [] } });
  registry.apply({ type: 'arrived', room: 'den', epoch: 'E', message: { ...said, seq: 1 } });
  const outcome = { kind: 'said', seq: 1, epoch: 'E' } as const;
  registry.apply({ type: 'published', room: 'den', said, by: { ref: 1 }, outcome });
  expect(registry.room('den')?.seq).toBe(1);
});

test('an id is known for ten thousand messages, also when its message is not kept any more', () => {
  const registry = new ChatRegistry({ maxRooms: 10, maxMessages: 100_000 });
  registry.apply({ type: 'listen', client: 9, room: 'den' });
  registry.apply({ type: 'opened', room: 'den', state: { epoch: 'E', seq: 0, messages: [] } });
  const said = (seq: number) => ({
    uid: `u${seq}`,
    from: 'pat',
    canonical: 'pat',
    text: `m${seq}`,
    at: 0,
    id: `i${seq}`,
  });
  const again = (seq: number) => registry.apply({ type: 'post', ref: seq, room: 'den', said: said(seq) });
  for (let seq = 1; seq <= 10_005; seq += 1)
    registry.apply({ type: 'arrived', room: 'den', epoch: 'E', message: { ...said(seq), seq } });
  expect(registry.room('den')?.find(100)).toBeUndefined();
  expect(again(100)).toMatchObject([{ type: 'answer', answer: { kind: 'duplicate', seq: 100 } }]);
  expect(again(3)).toMatchObject([{ type: 'publish' }]);
});

test('who was refused a name takes it from nobody elsewhere', () => {
  const registry = new ChatRegistry(limits);
  const present = { name: 'ada', canonical: 'ada', room: 'lobby' };
  registry.apply({ type: 'register', client: 1, ...present });
  registry.apply({ type: 'elsewhere', life: 'L', present });
  registry.apply({ type: 'claimed', client: 1, granted: false });
  expect(registry.people.find('ada')?.life).toBe('L');
  registry.apply({ type: 'gone', life: 'L' });
  expect(registry.people.find('ada')).toBeUndefined();
});
