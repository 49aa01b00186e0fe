import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { ulid } from 'ulid';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import type { AnyContract } from '../../src/shared/contract/contract';
import { type AppOptions, type AppProcess, startApp } from './app';
import { read } from './deployment';
import { eventually } from './eventually';
import { freePort } from './processes';
import { type Prometheus, startPrometheus } from './prometheus';
import { eventBody, signed } from './signed';
import { execute } from './statements';
import { GrpcWire, HttpWire, type Wire } from './wires';

// Faults that are made for real: a real Prometheus with the rules of docker/prometheus asks the built application, rings while
// the fault lasts, and ends when it is mended.

const patienceMs = 60_000;

/** Something that goes wrong, and the alerts that tell of it. */
export interface Fault {
  readonly what: string;
  readonly rings: readonly string[];
  /** Makes it; answers how it is mended. */
  readonly make: (system: Alarmed) => Promise<() => Promise<unknown>>;
}

/** A test for each fault: its alerts are silent, ring once it is made, and end once it is mended. */
export function testFaults(faults: readonly Fault[], open: () => Promise<Alarmed>): void {
  let system: Alarmed;
  beforeAll(async () => {
    system = await open();
  });
  afterAll(() => system[Symbol.asyncDispose]());

  test.each(faults)('$what: $rings', async ({ rings, make }) => {
    await system.silent(rings);
    const mend = await make(system);
    try {
      await eventually(
        async () => expect(await system.ringing()).toEqual(expect.arrayContaining([...rings])),
        patienceMs,
      );
    } finally {
      await mend();
    }
    await system.silent(rings);
  });
}

/** The rules where a minute is a second, as far as scrapes that are a second apart allow; nothing has to last to ring. */
export function inSeconds(rules: string): string {
  return rules
    .replace(/\[[25]m\]/g, '[5s]')
    .replace(/\[15m\]/g, '[10s]')
    .replace(/for: \w+/g, 'for: 0s')
    .replace(/(?<=_lag_seconds\)) > 60$/gm, ' > 1')
    .replace(/(?<=job_interval_seconds), 900\)/g, ', 10)');
}

/** Makes minutes of the application seconds, too. */
export const minutesAreSeconds = { NODE_OPTIONS: `--require ${join(__dirname, 'minutes-are-seconds.cjs')}` };

export interface AlarmedOptions extends AppOptions {
  readonly databaseUrl: string;
  /** What ends with it, in this order. */
  readonly beside?: readonly AsyncDisposable[];
}

/** The built application on ports that it keeps, and the Prometheus that asks it. */
export class Alarmed implements AsyncDisposable {
  readonly http: HttpWire;
  readonly grpc: GrpcWire;

  private constructor(
    private readonly options: AlarmedOptions,
    private readonly ports: { readonly HTTP_PORT: string; readonly GRPC_PORT: string },
    private running: AppProcess,
    private readonly prometheus: Prometheus,
  ) {
    this.http = new HttpWire(running.url);
    this.grpc = new GrpcWire(`127.0.0.1:${ports.GRPC_PORT}`);
  }

  static async open(options: AlarmedOptions): Promise<Alarmed> {
    const ports = { HTTP_PORT: String(await freePort()), GRPC_PORT: String(await freePort()) };
    const app = await startApp({ ...options, env: { ...ports, ...options.env } });
    const rules = inSeconds(read('docker/prometheus/rules.yml'));
    return new Alarmed(options, ports, app, await startPrometheus(`127.0.0.1:${ports.HTTP_PORT}`, rules));
  }

  get app(): AppProcess {
    return this.running;
  }

  /** Ends the process, unless it has ended, and starts it again with these variables changed. */
  async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.running.stop();
    await this.running[Symbol.asyncDispose]();
    this.running = await startApp({ ...this.options, env: { ...this.ports, ...this.options.env, ...env } });
  }

  /** The names of the alerts that ring now. */
  async ringing(): Promise<readonly string[]> {
    return [...(await this.prometheus.ringing())];
  }

  /** Resolves once the process has been asked, and none of these rings. */
  async silent(alerts: readonly string[]): Promise<void> {
    await this.told('up == 1');
    await eventually(async () => {
      const ringing = await this.ringing();
      expect(alerts.filter((alert) => ringing.includes(alert))).toEqual([]);
    }, patienceMs);
  }

  /** Resolves once Prometheus has an answer to this expression. */
  told(expression: string): Promise<void> {
    return eventually(async () => expect(await this.prometheus.query(expression)).not.toEqual([]), patienceMs);
  }

  /** Calls over HTTP. @throws unless it is answered as asked for */
  async call(contract: AnyContract, method: string, message: object): Promise<Record<string, unknown>> {
    const { code, body } = await this.http.call(contract, method, message, { 'idempotency-key': ulid() });
    if (code !== 'ok') throw new Error(`${method}: ${code} ${String(body.message)}`);
    return body;
  }

  /** Sends an event of this player. */
  async send(playerId: string): Promise<void> {
    const { code } = await this.http.call(gateway, 'ingest', signed(randomUUID(), eventBody({ playerId })));
    if (code !== 'ok') throw new Error(`ingest: ${code}`);
  }

  /** Events of ever other players over these wires, whatever they are answered, until it is disposed of. */
  traffic(wires: readonly Wire[] = [this.http, this.grpc]): AsyncDisposable {
    return new Traffic(wires);
  }

  /** Statements in the database, beside the application. */
  sql(...statements: readonly string[]): Promise<void> {
    return execute(this.options.databaseUrl, ...statements);
  }

  /** Runs a statement of PostgreSQL in a transaction that stays open; answers how it is ended. */
  async holding(statement: string): Promise<() => Promise<void>> {
    const client = new Client({ connectionString: this.options.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query(statement);
    return () => client.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.grpc.close();
    for (const one of [this.prometheus, this.running, ...(this.options.beside ?? [])]) await one[Symbol.asyncDispose]();
  }
}

class Traffic implements AsyncDisposable {
  private stopped = false;
  private failure: unknown;
  private readonly running: Promise<void>;

  constructor(private readonly wires: readonly Wire[]) {
    this.running = this.goOn().catch((error) => {
      this.failure = error;
    });
  }

  /** @throws what is no answer */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true;
    await this.running;
    if (this.failure !== undefined) throw this.failure;
  }

  private async goOn(): Promise<void> {
    while (!this.stopped) {
      const [playerId, id] = [randomUUID(), randomUUID()];
      for (const wire of this.wires)
        await wire.call(gateway, 'ingest', signed(`${id}-${wire.name}`, eventBody({ playerId })));
      await sleep(50);
    }
  }
}
