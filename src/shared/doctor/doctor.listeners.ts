import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '../config/config';
import { type Finding, Patient } from '../findings/finding';
import { reachableHost } from '../http/http.address';

const dayMs = 86_400_000;
const soonMs = 21 * dayMs;

/** Looks whether this process could listen where it is to, and at the certificate that it would show. */
export async function lookAtListeners(config: Config): Promise<Finding[]> {
  const isServing = await answersAsAerie(config);
  const found = await Promise.all(config.listeners.map((one) => lookAtPort(config.http.host, one, isServing)));
  return [...found.flat(), ...lookAtCertificate(config)];
}

async function lookAtPort(
  host: string,
  { variable, port }: Config['listeners'][number],
  isServing: boolean,
): Promise<Finding[]> {
  const patient = new Patient('port', `${variable} ${host}:${port}`);
  const code = port === 0 ? undefined : await refusalOf(host, port);
  if (code === undefined) patient.well();
  else if (code === 'EADDRINUSE' && isServing) patient.well('Aerie listens there');
  else if (code === 'EADDRINUSE')
    patient.fail('another program listens there', `End that program, or give ${variable} another port.`);
  else if (code === 'EACCES')
    patient.fail(
      'this user may not listen there',
      `Give ${variable} a port above 1023, or the process CAP_NET_BIND_SERVICE.`,
    );
  else patient.fail(`nobody can listen there: ${code}`, 'Give HOST an address of this machine.');
  return patient.findings;
}

/** The code of the error, if nobody can listen there. */
function refusalOf(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

async function answersAsAerie({ http: { host, port } }: Config): Promise<boolean> {
  if (port === 0) return false;
  try {
    const answer = await fetch(`http://${reachableHost(host)}:${port}/health/live`, {
      signal: AbortSignal.timeout(1000),
    });
    await answer.arrayBuffer();
    return answer.headers.has('x-trace-id');
  } catch (error) {
    if (error instanceof TypeError || (error as Error).name === 'TimeoutError') return false;
    throw error;
  }
}

function lookAtCertificate({ grpc: { tls } }: Config): Finding[] {
  if (!tls) return [];
  const patient = new Patient('certificate', `GRPC_TLS_CERT ${tls.cert}`);
  try {
    const certificate = new X509Certificate(readFileSync(tls.cert));
    const until = certificate.validTo;
    const left = Date.parse(until) - Date.now();
    const remedy = 'Put a new one in its place, and start the process again.';
    if (left < 0) patient.fail(`it has expired: ${until}`, remedy);
    else if (Date.parse(certificate.validFrom) > Date.now())
      patient.fail(`it is not valid before ${certificate.validFrom}`, 'Look at the clock of this machine.');
    else if (left < soonMs) patient.warn(`it expires soon: ${until}`, remedy);
    else patient.well(`valid until ${until}`);
    if (!certificate.checkPrivateKey(createPrivateKey(readFileSync(tls.key))))
      patient.fail('GRPC_TLS_KEY is the key of another certificate', 'Name the key that belongs to it.');
  } catch (error) {
    // Never what the file says: it may be a key.
    const { code = 'it is no PEM' } = error as NodeJS.ErrnoException;
    patient.fail(`it cannot be read: ${code}`, 'Name files in PEM: the chain, and its key.');
  }
  return patient.findings;
}
