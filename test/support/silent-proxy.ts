import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can lose the answer to a COMMIT: the server gets it and commits, the client's connection is cut. */
export interface SilentProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on the next COMMIT is answered by a cut connection. */
  loseNextCommit(): void;
  /** The next COMMIT does not reach the server before `release`. `held` resolves when it has come. */
  holdNextCommit(): HeldCommit;
}

export interface HeldCommit {
  readonly held: Promise<void>;
  release(): void;
}

/** Starts a proxy to a database server on this loopback port. It looks for the word in what the client sends. */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let armed = false;
  let hold: ((pass: () => void) => void) | undefined;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let losing = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => {
      const pass = (): void => void upstream.write(chunk);
      // Not the COMMITTED of an isolation level.
      const commits = /COMMIT(?!TED)/.test(chunk.toString('latin1'));
      losing = armed && commits;
      if (losing) armed = false;
      if (!hold || !commits) return pass();
      hold(pass);
      hold = undefined;
    });
    upstream.on('data', (chunk) => {
      // The server has answered: it has committed.
      if (losing) client.destroy();
      else client.write(chunk);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  return {
    port,
    loseNextCommit: () => {
      armed = true;
    },
    holdNextCommit: () =>
      heldCommit((take) => {
        hold = take;
      }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** `arm` is given what takes the COMMIT when it comes. */
function heldCommit(arm: (take: (pass: () => void) => void) => void): HeldCommit {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    arm((pass) => {
      release = pass;
      resolve();
    });
  });
  return { held, release: () => release() };
}
