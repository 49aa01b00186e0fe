import type { ZodType } from 'zod';
import { answer, cacheable, factsOf } from '../../../src/shared/contract/answer';
import { headersOf } from '../../../src/shared/contract/answer-headers';
import type { CallDocs, Docs } from '../../../src/shared/contract/call-docs';

// The facts of an answer are its own, said in the open; wires spell them.

const left = { limit: { name: 'events', max: 10, windowSeconds: 60 }, remaining: 3, resetMs: 1500 };

test('facts are told by the answer alone: the body, a copy and its JSON know nothing of them', () => {
  const body = { id: 'a' };
  const told = answer(body, { version: 3 });
  expect([factsOf(told), factsOf(body), factsOf({ ...told })]).toEqual([{ version: 3 }, {}, {}]);
  expect([JSON.stringify(told), Object.keys(told)]).toEqual(['{"id":"a"}', ['id']]);
});

test('one body answered twice has the facts of each answer', () => {
  const body = { id: 'a' };
  const [first, again] = [answer(body, { version: 1 }), answer(body, { version: 1, replayed: 'answer' })];
  expect([factsOf(first).replayed, factsOf(again).replayed]).toEqual([undefined, 'answer']);
});

test.each([
  ['a version', answer({}, { version: 3 }), { etag: '"3"' }],
  ['a secret', answer({}, { secret: true }), { 'cache-control': 'no-store' }],
  ['a replay', answer({}, { replayed: 'effect' }), { 'idempotent-replayed': 'true' }],
  [
    'limits',
    answer({}, { limits: [left, { ...left, remaining: 0 }] }),
    { ratelimit: '"events";r=3;t=2, "events";r=0;t=2', 'ratelimit-policy': '"events";q=10;w=60, "events";q=10;w=60' },
  ],
  ['nothing', {}, {}],
])('%s as headers', (_name, told, expected) => {
  expect(headersOf(told, { location: undefined })).toEqual(expected);
});

test('what was made is where the contract says, as far as text may stand in a path', () => {
  expect(headersOf({ id: 'a b/ä' }, { location: '/things/:id' })).toEqual({ location: '/things/a%20b%2F%C3%A4' });
});

test('a public answer has the same version while it says the same', () => {
  const [one, same, other] = [{ n: 1 }, { n: 1 }, { n: 2 }].map((body) => factsOf(cacheable(body, 'ask')).version);
  expect([one === same, one === other]).toEqual([true, false]);
});

test('what is said of a call that it does not answer does not compile', () => {
  interface Thing {
    readonly name: string;
  }
  abstract class Api {
    abstract read: (request: { id: string }) => Promise<Thing>;
  }
  type Right = CallDocs<{ id: string }, Thing>;
  type With<Change> = { read: Omit<Right, keyof Change> & Change } extends Docs<Api> ? 'compiles' : 'refused';
  type Example<Answer> = { example: { request: { id: string }; answer: Answer } };
  const found: [
    With<object>,
    With<{ status: 201 }>,
    With<{ status: 418 }>,
    With<{ answer: ZodType<{ name: number }> }>,
    With<Example<Thing>>,
    With<Example<{ name: number }>>,
    With<{ errors: { 499: string[] } }>,
    Docs<Api> extends Record<'read', unknown> ? 'read is there' : 'read may be missing',
  ] = ['compiles', 'compiles', 'refused', 'refused', 'compiles', 'refused', 'refused', 'read is there'];
  expect(found).toHaveLength(8);
});
