import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/** A certificate for localhost that signs itself, with its key. For NODE_EXTRA_CA_CERTS of whoever is to believe it. */
export const certificateFile = join(__dirname, 'tls.pem');

export interface TlsProxy extends AsyncDisposable {
  readonly port: number;
}

/** Takes TLS connections on a free port and passes what they say on to `port` as it is. */
export async function startTlsProxy(port: number): Promise<TlsProxy> {
  const pem = readFileSync(certificateFile);
  const open = new Set<Socket>();
  const server = createServer({ cert: pem, key: pem, ALPNProtocols: ['h2'] }, (secure) => {
    const plain = connect(port, '127.0.0.1');
    for (const socket of [secure, plain]) {
      open.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    }
    secure.pipe(plain).pipe(secure);
  });
  // Clients who do not believe the certificate leave.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
