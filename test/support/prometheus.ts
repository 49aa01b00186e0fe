import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './processes';
import { pathOf } from './programs';
import { folderFor, OwnServer } from './servers';

/** A sample as /api/v1/query answers it. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

export interface Prometheus extends AsyncDisposable {
  /** What an expression has now. @throws what is wrong with it */
  query(expression: string): Promise<readonly Sample[]>;
  /** The names of the alerts that ring now. */
  ringing(): Promise<ReadonlySet<string>>;
}

async function ask<T>(url: string): Promise<T> {
  const answer = (await (await fetch(url)).json()) as { status: string; error?: string; data: T };
  if (answer.status !== 'success') throw new Error(answer.error);
  return answer.data;
}

/** A Prometheus with data of its own that asks the process at `target` (host:port) every second, as the job aerie. */
export async function startPrometheus(target: string, rules: string): Promise<Prometheus> {
  const folder = await folderFor('root', 'prometheus');
  const config = join(folder, 'prometheus.yml');
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'rules.yml'), rules);
  const every = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  const scraped = [{ job_name: 'aerie', static_configs: [{ targets: [target] }] }];
  writeFileSync(config, JSON.stringify({ global: every, rule_files: ['rules.yml'], scrape_configs: scraped }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const answers = async (): Promise<void> => {
    const { status } = await fetch(`${url}/-/ready`);
    if (status !== 200) throw new Error(`It is not ready: ${status}`);
  };
  const server = await new OwnServer(
    { user: 'root', program: pathOf('prometheus'), args, url, answers },
    folder,
    port,
  ).start();
  return {
    query: async (expression) => {
      const asked = `${url}/api/v1/query?query=${encodeURIComponent(expression)}`;
      return (await ask<{ readonly result: readonly Sample[] }>(asked)).result;
    },
    ringing: async () => {
      const { alerts } = await ask<{ readonly alerts: readonly Alert[] }>(`${url}/api/v1/alerts`);
      const ringing = alerts.filter(({ state }) => state === 'firing');
      return new Set(ringing.map(({ labels }) => labels.alertname ?? ''));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
