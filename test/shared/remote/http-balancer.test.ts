import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HttpBalancer } from '../../../src/shared/remote/http.balancer';
import { eventually } from '../../support/eventually';
import { freePort } from '../../support/processes';

// ISSUE 11: a name may have several records; a dead one is left out, and one that is back is found.

/** Servers at loopback addresses, all on one port, that answer with their address. */
class Machines implements AsyncDisposable {
  private readonly servers = new Map<string, Server>();
  readonly hosts: (string | undefined)[] = [];
  /** Held answers wait for `letGo`. */
  hold = false;
  private held: (() => void)[] = [];

  constructor(readonly port: number) {}

  async start(...addresses: string[]): Promise<void> {
    for (const address of addresses) {
      const server = createServer((request, response) => this.answer(address, request, response));
      await new Promise<void>((listening) => server.listen(this.port, address, listening));
      this.servers.set(address, server);
    }
  }

  async stop(address: string): Promise<void> {
    const server = this.servers.get(address);
    this.servers.delete(address);
    server?.closeAllConnections();
    await new Promise((closed) => server?.close(closed));
  }

  letGo(): void {
    for (const answer of this.held.splice(0)) answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const address of [...this.servers.keys()]) await this.stop(address);
  }

  private answer(address: string, request: IncomingMessage, response: ServerResponse): void {
    this.hosts.push(request.headers.host);
    if (this.hold) this.held.push(() => response.end(address));
    else response.end(address);
  }
}

const [one, two, three] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

interface Named extends AsyncDisposable {
  readonly machines: Machines;
  readonly balancer: HttpBalancer;
  /** What the name has now. */
  records: string[] | Error;
  ask(): Promise<string>;
}

async function named(...records: string[]): Promise<Named> {
  const machines = new Machines(await freePort());
  const name: Named = {
    machines,
    records,
    balancer: new HttpBalancer(new URL(`http://game.example:${machines.port}`), async () => {
      if (name.records instanceof Error) throw name.records;
      return name.records;
    }),
    ask: async () => (await name.balancer.request({ method: 'GET', path: '/' })).body.text(),
    [Symbol.asyncDispose]: async () => {
      await name.balancer.close();
      await machines[Symbol.asyncDispose]();
    },
  };
  return name;
}

async function asked(name: Named, times: number): Promise<Set<string>> {
  const answers = new Set<string>();
  for (let i = 0; i < times; i += 1) answers.add(await name.ask());
  return answers;
}

test('the addresses of a name take turns, and hear the name', async () => {
  await using name = await named(one, two);
  await name.machines.start(one, two);
  expect(await asked(name, 4)).toEqual(new Set([one, two]));
  expect(new Set(name.machines.hosts)).toEqual(new Set([`game.example:${name.machines.port}`]));
});

test('an address that is gone costs no request, and is asked again when it is back', async () => {
  await using name = await named(one, two);
  await name.machines.start(one, two);
  await asked(name, 4);
  await name.machines.stop(two);
  // Connections that the balancer had are closed; it may hear of that only now.
  await eventually(async () => expect(await asked(name, 4)).toEqual(new Set([one])));
  expect(await asked(name, 20)).toEqual(new Set([one]));
  expect(name.balancer.gone).toBe(false);
  await name.machines.start(two);
  await eventually(async () => expect(await asked(name, 4)).toEqual(new Set([one, two])));
});

test('that nobody is there is known, and that somebody is back, without a request', async () => {
  await using name = await named(one);
  await expect(name.ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(name.balancer.gone).toBe(true);
  await name.machines.start(one);
  await eventually(async () => expect(name.balancer.gone).toBe(false));
  expect(await name.ask()).toBe(one);
});

test('a name that moves is followed, and what the old address was asked is answered', async () => {
  // Nobody is at the second: that has the records asked for soon.
  await using name = await named(one, two);
  await name.machines.start(one, three);
  name.machines.hold = true;
  const last = name.ask();
  await eventually(async () => expect(name.machines.hosts).toHaveLength(1));
  name.machines.hold = false;
  name.records = [two, three];
  await eventually(async () => expect(await asked(name, 4)).toEqual(new Set([three])));
  name.machines.letGo();
  expect(await last).toBe(one);
});

test('while the resolver fails, the addresses that are known stand', async () => {
  await using name = await named(one, two);
  await name.machines.start(one);
  expect(await asked(name, 4)).toEqual(new Set([one]));
  name.records = Object.assign(new Error('no resolver'), { code: 'EAI_AGAIN' });
  const until = performance.now() + 2500;
  while (performance.now() < until) expect(await name.ask()).toBe(one);
});

test('when nobody of old addresses is there, the error says why they are old', async () => {
  await using name = await named(one);
  const { machines } = name;
  await machines.start(one);
  expect(await name.ask()).toBe(one);
  const unresolved = Object.assign(new Error('no resolver'), { code: 'EAI_AGAIN' });
  name.records = unresolved;
  await machines.stop(one);
  await eventually(() => expect(name.ask()).rejects.toMatchObject({ code: 'ECONNREFUSED', cause: unresolved }));
  // It is back, and so is the resolver: whoever goes then has another reason.
  name.records = [one];
  await machines.start(one);
  await eventually(async () => expect(await name.ask()).toBe(one));
  await machines.stop(one);
  await eventually(async () => {
    const failed = await name.ask().catch((error: unknown) => error as { code?: string; cause?: unknown });
    expect(failed).toMatchObject({ code: 'ECONNREFUSED' });
    expect((failed as { cause?: unknown }).cause).toBeUndefined();
  });
});

test('a name that nobody knows is an error, and is asked for again', async () => {
  await using name = await named();
  name.records = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  await expect(name.ask()).rejects.toMatchObject({ code: 'ENOTFOUND' });
  name.records = [one];
  await name.machines.start(one);
  expect(await name.ask()).toBe(one);
});
