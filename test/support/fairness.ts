import { request } from 'undici';

/**
 * Turns off the rules that refuse events: for tests that send more, or larger ones, than a player may.
 *
 * @param others - where further processes of the fairness control listen: each looks for the rules of others once a second,
 * and when it is asked for them, which is done here
 */
export async function refuseNobody(url: string, secret?: string, others: readonly string[] = []): Promise<void> {
  for (const rule of ['flood', 'jump']) {
    const answer = await request(`${url}/fairness/rules/${rule}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', ...authorized(secret) },
      body: JSON.stringify({ mode: 'off' }),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${rule} could not be turned off: ${answer.statusCode} ${text}`);
  }
  for (const other of others) {
    const answer = await request(`${other}/fairness/rules`, { headers: authorized(secret) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${other} did not look at the rules: ${answer.statusCode} ${text}`);
  }
}

function authorized(secret: string | undefined): Record<string, string> {
  return secret === undefined ? {} : { authorization: `Bearer ${secret}` };
}
