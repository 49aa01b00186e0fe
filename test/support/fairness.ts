import { request } from 'undici';

/** Turns off the rules that refuse events: for tests that send more, or larger ones, than a player may. */
export async function refuseNobody(url: string, secret?: string): Promise<void> {
  for (const rule of ['flood', 'jump']) {
    const answer = await request(`${url}/fairness/rules/${rule}`, {
      method: 'PATCH',
      headers: {
        'content-type': 'application/json',
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: JSON.stringify({ mode: 'off' }),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${rule} could not be turned off: ${answer.statusCode} ${text}`);
  }
}
