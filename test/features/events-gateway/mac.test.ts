import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { HmacSha256 } from '../../../src/features/events-gateway/events-gateway.mac';

test('it is HMAC-SHA256: 10,000 random keys, heads and bodies, around every limit', () => {
  const around = (length: number): number => Math.max(0, length + randomInt(-2, 3));
  for (let i = 0; i < 10_000; i += 1) {
    const secret = randomBytes(i % 3 === 0 ? around(64) : randomInt(0, 200));
    const head = randomBytes(randomInt(1, 140)).toString('hex').slice(0, randomInt(1, 271));
    const body = randomBytes(
      i % 50 === 0 ? around(16 * 1024 - head.length) : i % 99 === 0 ? 100_000 : randomInt(0, 600),
    );
    const key = new HmacSha256(secret);
    const expected = createHmac('sha256', secret).update(head).update(body).digest('hex');
    // Twice: nothing of the first may be left over.
    expect([key.of(head, body).toString('hex'), key.of(head, body).toString('hex')]).toEqual([expected, expected]);
  }
});
