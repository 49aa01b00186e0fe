import { type EventFields, eventBody, fieldsOf } from '../../../src/features/events-gateway/events-gateway.payloads';
import { documentedFields } from '../../../src/features/events-gateway/events-gateway.spelling';
import { parse } from '../../../src/shared/contract/dto';
import { parseJson } from '../../../src/shared/http/json';

// The short way to an event's fields and the long one must never disagree: 150,000 bodies, most of them nearly right.

const bodies = 150_000;
let seed = 20_261_126;
const random = (below: number): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return Math.floor((seed / 2 ** 31) * below);
};
const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;

const ids = [
  'p',
  'player-1',
  '.',
  '..',
  '...',
  'a|b',
  'x@y.z:+=',
  'a/b',
  'a#b',
  '',
  'ü',
  'a b',
  'a"b',
  '\\u0041',
  'x'.repeat(128),
  'x'.repeat(129),
];
const wholes = [
  '1',
  '10',
  '100',
  '101',
  '999999',
  '1000000',
  '1000001',
  '9999999',
  '10000000',
  '0',
  '-1',
  '1.0',
  '1e3',
  '01',
  '"1"',
  'null',
  'true',
  '11',
];
const times = [
  '2026-11-21T10:00:00.000Z',
  '2026-11-21t10:00:00z',
  '2026-11-21T10:00:00+09:00',
  '2026-02-30T10:00:00Z',
  '2026-11-21 10:00:00Z',
  '2026-11-21T10:00:00',
  '2026-11-21T24:00:00Z',
  '2026-11-21T10:00:60Z',
  '2026-11-21T10:00:00.123456789Z',
  '0001-01-01T00:00:00Z',
  '',
];
const types = ['progression', 'boss_kill', 'drop_claimed', 'other', ''];

/** Mostly the likely one. */
const mostly = <T>(likely: T, others: readonly T[]): T => (random(8) > 0 ? likely : pick(others));

function payload(type: string): string[] {
  const more = (name: string): string[] => (random(2) ? [] : [`"${name}":"${mostly('quest', ids)}"`]);
  if (type === 'boss_kill')
    return [`"bossId":"${mostly('hydra', ids)}"`, `"tier":${mostly('3', wholes)}`, `"points":${mostly('250', wholes)}`];
  if (type === 'drop_claimed')
    return [`"dropId":"${mostly('chest-7', ids)}"`, `"weight":${mostly('20', wholes)}`, ...more('source')];
  return [`"deltaXp":${mostly('250', wholes)}`, ...more('activity')];
}

function body(): string {
  const type = mostly(pick(types.slice(0, 3)), types);
  const inner = payload(mostly(type, types));
  const parts = [
    `"type":"${type}"`,
    `"playerId":"${mostly('player-1', ids)}"`,
    `"occurredAt":"${mostly(times[0] as string, times)}"`,
    `"payload":{${mostly(inner, [inner.toReversed(), [...inner, ...inner.slice(0, 1)], inner.slice(1), [...inner, '"x":1']]).join(',')}}`,
  ];
  const text = `{${mostly(parts, [parts.toReversed(), [...parts, parts[0] as string], parts.slice(1), [...parts, '"id":"e"']]).join(',')}}`;
  return mostly(text, [
    text.replaceAll('":', '": ').replaceAll(',"', ', "'),
    text.replaceAll(',', ',\n'),
    ` ${text}`,
    `${text}\n`,
    `\uFEFF${text}`,
    text.slice(0, -1),
    `${text}}`,
    mutated(text),
    mutated(text),
  ]);
}

function mutated(text: string): string {
  const at = random(text.length);
  return text.slice(0, at) + pick(['', '"', '\\', '{', '}', ',', ' ', 'é', '\u0000', '0']) + text.slice(at + random(2));
}

function long(bytes: Buffer): EventFields | undefined {
  try {
    return fieldsOf(parse(eventBody, parseJson(bytes)));
  } catch {
    return undefined;
  }
}

test('whatever the short way takes, the long one takes, with the same fields', () => {
  let taken = 0;
  for (let i = 0; i < bodies; i += 1) {
    const bytes = Buffer.from(body(), random(50) ? 'utf8' : 'latin1');
    const short = documentedFields(bytes);
    if (!short) continue;
    taken += 1;
    const expected = long(bytes);
    // A comparison for each would take longer than all the rest.
    if (JSON.stringify(sorted(short)) === JSON.stringify(sorted(expected))) continue;
    expect({ body: bytes.toString(), short }).toEqual({ body: bytes.toString(), short: expected });
  }
  expect(taken).toBeGreaterThan(bodies / 5);
});

function sorted(fields: EventFields | undefined): unknown {
  return fields && Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

test('what the README spells goes the short way, of every type, with spaces and without', () => {
  const common = { playerId: 'player-1', occurredAt: '2026-11-21T10:00:00.000Z' };
  for (const event of [
    { type: 'progression', ...common, payload: { deltaXp: 250, activity: 'quest' } },
    { type: 'progression', ...common, payload: { deltaXp: 1_000_000 } },
    { type: 'boss_kill', ...common, payload: { bossId: 'hydra', tier: 10, points: 250 } },
    { type: 'drop_claimed', ...common, payload: { dropId: 'chest-7', weight: 100, source: 'boss' } },
  ]) {
    const text = JSON.stringify(event);
    for (const spelled of [text, text.replaceAll('":', '": ').replaceAll(',"', ', "')]) {
      const bytes = Buffer.from(spelled);
      expect(documentedFields(bytes)).toEqual(long(bytes));
      expect(documentedFields(bytes)).toMatchObject({ type: event.type, payload: JSON.stringify(event.payload) });
    }
  }
});
