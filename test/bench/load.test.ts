import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { developmentSecret, signed } from '../support/signed';

interface Event {
  readonly playerId: string;
  readonly occurredAt: string;
}

interface Asked {
  readonly id: string;
  readonly body: Buffer;
  readonly signature: string;
}

const stallMs = 1000;

/** Looks at a player until its events show. */
const blindLooks = 2;

/**
 * A server that takes events and lets each of the first `stalls` wait before its answer. What it accepts shows at the third
 * look at a path.
 */
class Gateway {
  readonly asked: Asked[] = [];
  readonly looks = new Map<string, number>();
  private readonly points = new Map<string, number>();
  private readonly server: Server;

  constructor(private stalls = 0) {
    this.server = createServer((request, response) => {
      if (request.method === 'GET') return void this.show(request.url ?? '', response);
      void this.take(request).then((body) => response.writeHead(202, { 'content-length': body.length }).end(body));
    });
  }

  async listen(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async take(request: IncomingMessage): Promise<Buffer> {
    const body = await buffer(request);
    this.asked.push({
      id: String(request.headers['idempotency-key']),
      body,
      signature: String(request.headers['x-signature']),
    });
    const { playerId } = JSON.parse(body.toString()) as Event;
    this.points.set(playerId, (this.points.get(playerId) ?? 0) + pointsOf(body));
    if (this.stalls-- > 0) await sleep(stallMs);
    return Buffer.from('{"status":"accepted"}');
  }

  private show(path: string, response: ServerResponse): void {
    const looks = (this.looks.get(path) ?? 0) + 1;
    this.looks.set(path, looks);
    const [, player = ''] = /players\/([^/?]+)/.exec(path) ?? [];
    const points = looks > blindLooks ? this.points.get(player) : 0;
    const body = Buffer.from(JSON.stringify(path.startsWith('/players/') ? { xp: points } : { score: points }));
    // The first look finds nobody.
    response.writeHead(looks === 1 ? 404 : 200, { 'content-length': body.length }).end(body);
  }
}

interface Result {
  readonly progressSamples: number;
  readonly boardSamples: number;
  readonly p95: number;
  readonly accepted: number;
  readonly statuses: Record<string, number>;
}

async function answerTo(load: ChildProcess, order: object): Promise<Record<string, unknown>> {
  load.send(order);
  const [reply] = await once(load, 'message');
  return reply as Record<string, unknown>;
}

describe('the load generator of the bench', () => {
  let load: ChildProcess;
  let gateway: Gateway;

  beforeEach(() => {
    load = fork(join(__dirname, 'load.mjs'), []);
  });
  afterEach(() => {
    load.kill();
    gateway.close();
  });

  async function run(scenario: object): Promise<Result> {
    const target = { url: await gateway.listen() };
    const whole = { wire: 'single', mix: 'usual', size: 1, ...scenario };
    await answerTo(load, { type: 'prepare', run: 'test', target, scenario: whole });
    return (await answerTo(load, { type: 'go' })) as unknown as Result;
  }

  it('counts a paced request from when it was due, also one that could not leave while another waited', async () => {
    gateway = new Gateway(1);
    const result = await run({ rate: 100, connections: 1, seconds: 2, requests: 201 });
    expect(result.statuses).toEqual({ 202: 200 });
    // A hundred were due while the first one waited; counted from when they left, one of two hundred were slow.
    expect(result.p95).toBeGreaterThan(stallMs / 2);
  });

  it('looks for every tenth accepted event, in both places, until it shows and no longer', async () => {
    gateway = new Gateway();
    const visible = { every: 10, everyMs: 1 };
    const result = await run({ rate: 100, connections: 4, seconds: 1, requests: 101, visible });
    expect(result).toMatchObject({ statuses: { 202: 100 }, progressSamples: 10, boardSamples: 10 });
    expect([...gateway.looks.values()]).toEqual(new Array(20).fill(blindLooks + 1));
  });

  it('sends signed events of many players at many times, each once', async () => {
    gateway = new Gateway();
    const result = await run({ connections: 8, seconds: 60, requests: 2000 });
    const events = gateway.asked.map(({ body }) => JSON.parse(body.toString()) as Event);
    expect(new Set(gateway.asked.map(({ id }) => id)).size).toBe(2000);
    expect(new Set(events.map(({ playerId }) => playerId)).size).toBe(2000);
    expect(new Set(events.map(({ occurredAt }) => occurredAt)).size).toBe(2000);
    expect(result).toMatchObject({ accepted: 2000, statuses: { 202: 2000 } });
    for (const { id, body, signature } of gateway.asked) {
      const [, timestamp, mac] = /^t=(\d+),v1=(.*)$/.exec(signature) ?? [];
      expect(signed(id, body, { secret: developmentSecret, timestamp: Number(timestamp) }).signatures).toEqual([mac]);
    }
  });

  it('knows the points of what was accepted, by player', async () => {
    gateway = new Gateway();
    await run({ connections: 8, seconds: 60, requests: 300 });
    const { points } = await answerTo(load, { type: 'expected', run: 'test' });
    const sum = gateway.asked.map(({ body }) => pointsOf(body)).reduce((a, b) => a + b, 0);
    expect((points as number[]).reduce((a, b) => a + b, 0)).toBe(sum);
  });
});

function pointsOf(body: Buffer): number {
  const { payload } = JSON.parse(body.toString()) as { payload: Record<string, number> };
  return payload.deltaXp ?? payload.points ?? 100 * (payload.weight ?? Number.NaN);
}
