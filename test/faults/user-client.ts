import { randomUUID } from 'node:crypto';
import { Pool, request } from 'undici';

/** One answer, as far as these tests look at it. */
export interface Answer {
  readonly status: number;
  readonly body: { readonly id: string; readonly name: string; readonly version: number; readonly code?: string };
  readonly retryAfter: string | undefined;
}

/** One user of one process, over connections of its own. */
export class UserClient implements AsyncDisposable {
  private readonly pool: Pool;

  constructor(
    url: string,
    readonly id: string,
    connections = 300,
  ) {
    this.pool = new Pool(url, { connections, headersTimeout: 20_000, bodyTimeout: 20_000 });
  }

  read(): Promise<Answer> {
    return this.send('GET');
  }

  rename(name: string): Promise<Answer> {
    return this.send('PATCH', { name });
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
