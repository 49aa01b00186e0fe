import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can lose the answer to a COMMIT: the server gets it and commits, the client's connection is cut. */
export interface SilentProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on the next COMMIT is answered by a cut connection. */
  loseNextCommit(): void;
  /** The next statement like this does not reach the server before `release`. `held` resolves when it has come. */
  holdNext(statement: RegExp): HeldStatement;
}

export interface HeldStatement {
  readonly held: Promise<void>;
  release(): void;
}

interface Hold {
  readonly statement: RegExp;
  readonly take: (pass: () => void) => void;
}

/** Starts a proxy to a database server on this loopback port. It looks at what the client sends. */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let armed = false;
  let hold: Hold | undefined;
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
      const text = chunk.toString('latin1');
      losing = armed && /COMMIT(?!TED)/.test(text);
      if (losing) armed = false;
      if (!hold?.statement.test(text)) return pass();
      hold.take(pass);
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
    holdNext: (statement) =>
      heldStatement((take) => {
        hold = { statement, take };
      }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

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
