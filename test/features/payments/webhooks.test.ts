import { everyDatabase, type TestDatabase } from '../../support/databases';
import { authorize, chargesOf, type Desk, openDesk, pay, process, webhook } from './desk';

// What the provider tells by itself comes twice, late, in any order and before the answer; and anybody may send anything.

const body = (paymentId: string, more: object = {}) =>
  JSON.stringify({
    id: 'evt_1',
    type: 'charge.authorized',
    data: { kind: 'authorize', state: 'done', paymentId, chargeId: 'ch_1', key: 'k', ...more },
  });

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let desk: Desk;
  beforeAll(async () => {
    database = await create();
    desk = await openDesk(database.url);
  });
  afterAll(async () => {
    await desk[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  const send = (headers: Record<string, string>, text: string) => desk.service.receiveWebhook(webhook(headers, text));
  const code = (sent: Promise<unknown>) =>
    sent.then(
      () => 'ok',
      ({ code }) => code,
    );

  test('the same event twice, or five times at once, has its effect once', async () => {
    const { id } = await pay(desk);
    await process(desk, id, 'duplicate');
    await desk.runner.round();
    desk.clock.at += 1000;
    expect(await desk.deliver()).toBe(2);
    expect([await desk.status(id), await desk.announced(id)]).toEqual(['authorized', ['authorized']]);
    const late = await pay(desk);
    await process(desk, late.id, 'late');
    await desk.runner.round();
    const text = body(late.id, { kind: 'authorize' });
    const signed = desk.simulator.sign('evt_five', text);
    await Promise.all(Array.from({ length: 5 }, () => send(signed, text)));
    expect([await desk.status(late.id), await desk.announced(late.id)]).toEqual(['authorized', ['authorized']]);
  });

  test('events before the answer of the call behind them, and in the wrong order, come to the same', async () => {
    const { id } = await pay(desk);
    await process(desk, id, 'out_of_order');
    // The provider has done it; the webhooks are here before the answer is written down.
    const answered = desk.settlement.answered.bind(desk.settlement);
    desk.settlement.answered = async (...answer) => {
      await desk.deliver();
      expect(await desk.status(id)).toBe('authorized');
      return answered(...answer);
    };
    await desk.runner.round();
    desk.settlement.answered = answered;
    desk.clock.at += 1000;
    // The older one: it was pending.
    expect(await desk.deliver()).toBe(1);
    expect([await desk.status(id), await desk.announced(id)]).toEqual(['authorized', ['authorized']]);
  });

  test('an approval that comes late, after it was taken for refused, is voided', async () => {
    const { id } = await authorize(desk, 'fail');
    const text = body(id);
    await send(desk.simulator.sign('evt_after', text), text);
    expect([await desk.status(id), await desk.announced(id)]).toEqual(['failed', []]);
    await desk.runner.round();
    expect((await chargesOf(desk, id))[0]?.state).toBe('voided');
  });

  test('what tells of a payment that is not ours is taken and passed over, with a line in the log', async () => {
    const text = body('01KAJ0000000000000000000ZZ');
    expect(await code(send(desk.simulator.sign('evt_1', text), text))).toBe('ok');
    expect(desk.lines.map(({ message }) => message)).toContain('payment_event_ignored');
  });

  test('forged, changed, old, early, unsigned or of another provider: one refusal, and nothing happens', async () => {
    const { id } = await pay(desk);
    await process(desk, id, 'late');
    await desk.runner.round();
    const text = body(id);
    const signed = desk.simulator.sign('evt_1', text);
    const at = (seconds: number): Record<string, string> => {
      desk.clock.at += seconds * 1000;
      const other = desk.simulator.sign('evt_1', text);
      desk.clock.at -= seconds * 1000;
      return other;
    };
    const bad = [
      send({ ...signed, 'webhook-signature': 'v1,AAAA' }, text),
      send({ ...signed, 'webhook-signature': '' }, text),
      send(signed, text.replace('done', 'refused')),
      send({ ...signed, 'webhook-id': 'evt_2' }, text),
      send({ ...signed, 'webhook-timestamp': '0' }, text),
      send(at(-301), text),
      send(at(301), text),
      desk.service.receiveWebhook({ ...webhook(signed, text), provider: 'stripe' }),
    ];
    expect(await Promise.all(bad.map(code))).toEqual(bad.map(() => 'signature_invalid'));
    expect(await desk.status(id)).toBe('processing');
    // Several signatures may stand there, while a secret is replaced.
    const signature = `v1,AAAA ${signed['webhook-signature']}`;
    expect(await code(send({ ...signed, 'webhook-signature': signature }, text))).toBe('ok');
    expect(await desk.status(id)).toBe('authorized');
  });

  test('what is signed and cannot be read is refused, and no other error', async () => {
    for (const text of [
      '{',
      '{}',
      '[]',
      'null',
      body('x'.repeat(1000)),
      JSON.stringify({ id: 'e', type: 't', data: {} }),
    ]) {
      const answer = await code(send(desk.simulator.sign('evt_x', text), text));
      expect(['ok', 'validation_failed', 'malformed_json']).toContain(answer);
    }
  });
});
