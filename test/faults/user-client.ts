import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, request } from 'undici';

const maxTries = 10;

/** One answer, as far as these tests look at it. */
export interface Answer {
  readonly status: number;
  readonly body: { readonly id: string; readonly name: string; readonly version: number; readonly code?: string };
  readonly retryAfter: string | undefined;
}

/** Refused for certain, and told when to come back: on a machine that is too busy to be answered by a lock service in time. */
function mayComeBack({ status, retryAfter }: Answer): boolean {
  return status === 503 && Number(retryAfter) >= 1;
}

/** One user of one process, over connections of its own. */
export class UserClient implements AsyncDisposable {
  private readonly pool: Pool;

  constructor(
    url: string,
    readonly id: string,
    connections = 300,
  ) {
    this.pool = new Pool(url, { connections, headersTimeout: 60_000, bodyTimeout: 60_000 });
  }

  read(): Promise<Answer> {
    return this.send('GET');
  }

  rename(name: string): Promise<Answer> {
    return this.send('PATCH', { name });
  }

  /** Comes back after a 503, as often as that may happen; its other answers are the last word. */
  async renameAtLast(name: string): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.rename(name);
      if (!mayComeBack(answer) || tries === maxTries) return answer;
      await sleep(Number(answer.retryAfter) * 1000);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.destroy();
  }

  private async send(method: 'GET' | 'PATCH', body?: object): Promise<Answer> {
    const answer = await this.pool.request({
      method,
      path: `/users/${this.id}`,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    const retryAfter = answer.headers['retry-after'] as string | undefined;
    return { status: answer.statusCode, body: (await answer.body.json()) as Answer['body'], retryAfter };
  }
}

/** The id of a new user. */
export async function newUser(url: string): Promise<string> {
  const answer = await request(`${url}/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'nobody', email: `${randomUUID()}@example.com` }),
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 201) throw new Error(text);
  return (JSON.parse(text) as { id: string }).id;
}
