import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { createServer } from 'node:net';
import { guarded } from '../async/guarded';
import type { Config } from '../config/config';
import { type Finding, Patient } from '../findings/finding';
import { reachableHost } from '../http/http.address';

const dayMs = 86_400_000;
const askMs = 1000;
const soonMs = 21 * dayMs;

/** Who has the SQLite files of these settings; servers do not tell whose their connections are. */
export type Holder = 'nobody' | 'a process' | 'not known';

/**
 * Looks whether this process could listen where it is to, and at the certificate that it would show. A process with these
 * settings may be serving: then it is no fault that the ports are taken.
 */
export async function lookAtListeners(config: Config, holder: Holder): Promise<Finding[]> {
  const [http, grpc] = await Promise.all([answersAsAerie(config), grpcAnswersAsAerie(config)]);
  // Who shows a certificate may ask for ours; other wires say nothing of who speaks them.
  const unknown = http || grpc || holder === 'a process' ? 'perhaps' : 'no';
  const isAerie = (variable: string): Answered => {
    if (variable === 'HTTP_PORT') return http ? 'yes' : 'no';
    if (variable === 'GRPC_PORT' && !config.grpc.tls?.ca) return grpc ? 'yes' : 'no';
    return unknown;
  };
  const found = await Promise.all(
    config.listeners.map((one) => lookAtPort(config.http.host, one, { answered: isAerie(one.variable), holder })),
  );
  return [...found.flat(), ...lookAtCertificate(config)];
}

/** Whether Aerie listens at a port. */
type Answered = 'yes' | 'no' | 'perhaps';

interface Taken {
  readonly answered: Answered;
  readonly holder: Holder;
}

async function lookAtPort(
  host: string,
  { variable, port }: Config['listeners'][number],
  taken: Taken,
): Promise<Finding[]> {
  const patient = new Patient('port', `${variable} ${host}:${port}`);
  const code = port === 0 ? undefined : await refusalOf(host, port);
  if (code === undefined && port !== 0 && variable === 'HTTP_PORT' && taken.holder === 'a process')
    patient.warn(
      'nobody listens there, and yet a process has the database',
      `End that process before this one is started. With its settings, ${variable} is another.`,
    );
  else if (code === undefined) patient.well();
  else if (code === 'EADDRINUSE') whoListens(patient, variable, taken);
  else if (code === 'EACCES')
    patient.fail(
      'this user may not listen there',
      `Give ${variable} a port above 1023, or the process CAP_NET_BIND_SERVICE.`,
    );
  else patient.fail(`nobody can listen there: ${code}`, 'Give HOST an address of this machine.');
  return patient.findings;
}

function whoListens(patient: Patient, variable: string, { answered, holder }: Taken): void {
  const another = `give ${variable} another port.`;
  const unless = `The start fails unless it is the process with these settings, which this one replaces: else ${another}`;
  if (answered === 'no') patient.fail('another program listens there', `End that program, or ${another}`);
  else if (answered === 'perhaps') patient.warn('a program listens there, perhaps an Aerie', unless);
  else if (holder === 'a process') patient.well('Aerie listens there, and a process has the database');
  else if (holder === 'not known') patient.warn('an Aerie listens there', unless);
  else
    patient.fail(
      'another Aerie listens there: nobody has the database of these settings',
      `End that one, or ${another}`,
    );
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
      signal: AbortSignal.timeout(askMs),
    });
    await answer.arrayBuffer();
    return answer.headers.has('x-trace-id');
  } catch (error) {
    if (error instanceof TypeError || (error as Error).name === 'TimeoutError') return false;
    throw error;
  }
}

/** By the answer of a call that everybody may make, whatever the certificate says. */
function grpcAnswersAsAerie({ http: { host }, grpc: { enabled, port, tls } }: Config): Promise<boolean> {
  if (!enabled || port === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const origin = `${tls ? 'https' : 'http'}://${reachableHost(host)}:${port}`;
    const session = connect(origin, { rejectUnauthorized: false });
    const done = (isAerie: boolean): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(isAerie);
    };
    const silent = guarded(() => done(false));
    const timer = setTimeout(silent, askMs);
    session.on('error', silent);
    const call = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const judge = guarded((headers: IncomingHttpHeaders) => {
      if ('x-trace-id' in headers) done(true);
    });
    call.on('response', judge);
    call.on('trailers', judge);
    call.on('error', silent);
    call.on('end', silent);
    call.resume();
    // An empty message, without compression.
    call.end(Buffer.alloc(5));
  });
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
