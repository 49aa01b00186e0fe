import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can lose the answer to a COMMIT: the server gets it and commits, the client's connection is cut. */
export interface SilentProxy extends AsyncDisposable {
  readonly port: number;
  /** So many packets have come from clients. */
  readonly packets: () => number;
  /** From now on the next COMMIT is answered by a cut connection. */
  loseNextCommit(): void;
  /** The same of the next statement like this. */
  loseNext(statement: RegExp): void;
  /** The next statement like this reaches the server, and the client's connection is cut at once. */
  cutNext(statement: RegExp): void;
  /** The next statement like this does not reach the server, and the client's connection is cut. */
  dropNext(statement: RegExp): void;
  /** The next statement like this does not reach the server before `release`. `held` resolves when it has come. */
  holdNext(statement: RegExp): HeldStatement;
}

export interface HeldStatement {
  readonly held: Promise<void>;
  release(): void;
}

/** What becomes of the next statement of a kind. */
interface Trap {
  readonly statement: RegExp;
  readonly spring: (sockets: { readonly client: Socket; readonly pass: () => void }) => void;
}

/** Starts a proxy to a database server on this loopback port. It looks at what the client sends. */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let [trap, packets]: [Trap | undefined, number] = [undefined, 0];
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => {
      const pass = (): void => void upstream.write(chunk);
      packets += 1;
      const sprung = trap;
      if (!sprung?.statement.test(chunk.toString('latin1'))) return pass();
      trap = undefined;
      sprung.spring({ client, pass });
    });
    // In a silenced connection the server has answered: it has committed.
    upstream.on('data', (chunk) => (silent.has(client) ? client.destroy() : client.write(chunk)));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const set = (statement: RegExp, spring: Trap['spring']): void => {
    trap = { statement, spring };
  };
  const silence: Trap['spring'] = ({ client, pass }) => {
    silent.add(client);
    pass();
  };
  return {
    port: (server.address() as { port: number }).port,
    packets: () => packets,
    // Not the COMMITTED of an isolation level.
    loseNextCommit: () => set(/COMMIT(?!TED)/, silence),
    loseNext: (statement) => set(statement, silence),
    cutNext: (statement) => set(statement, cut),
    dropNext: (statement) => set(statement, ({ client }) => client.destroy()),
    holdNext: (statement) => heldStatement((take) => set(statement, ({ pass }) => take(pass))),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** What the server is sent last on a connection. */
const cut: Trap['spring'] = ({ client, pass }) => {
  pass();
  setImmediate(() => client.destroy());
};

/** `arm` is given what takes the statement when it comes. */
function heldStatement(arm: (take: (pass: () => void) => void) => void): HeldStatement {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    arm((pass) => {
      release = pass;
      resolve();
    });
  });
  return { held, release: () => release() };
}
