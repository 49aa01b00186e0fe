import { request } from 'undici';

/** The sum of all samples whose name and labels begin with `prefix`, as /metrics tells it. */
export async function metricSum(url: string, prefix: string): Promise<number> {
  const text = await (await request(`${url}/metrics`)).body.text();
  const samples = text.split('\n').filter((line) => line.startsWith(prefix));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
