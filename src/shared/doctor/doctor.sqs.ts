import type { SQS } from '@aws-sdk/client-sqs';
import { within } from '../async/within';
import type { Channel } from '../bus/audiences';
import { isMissing, SqsQueues } from '../bus/sqs.queues';
import { parseSqsUrl } from '../config/sqs-url';
import { type Finding, Patient } from '../findings/finding';

const limitMs = 5000;
const requestMs = 3000;

/** Looks whether SQS lets us in, and which queues are there. Nothing is made, sent or received. */
export async function lookAtSqs(url: string, channels: readonly Channel[]): Promise<Finding[]> {
  const address = parseSqsUrl(url);
  const { endpoint, region, account, prefix } = address;
  const patient = new Patient('bus', `${endpoint}/${account}/${prefix}`);
  // Loaded only where there is SQS.
  const sdk = await import('@aws-sdk/client-sqs');
  const requestHandler = { connectionTimeout: requestMs, requestTimeout: requestMs, throwOnRequestTimeout: true };
  const client = new sdk.SQS({ region, endpoint, maxAttempts: 1, requestHandler });
  const ending = new AbortController();
  const calling = { abortSignal: ending.signal };
  const queues = new SqsQueues(client, address, calling);
  const asked = new Map(
    channels.map(({ topic, consumer }) => queues.of(topic, consumer)).map((one) => [one.name, one]),
  );
  const isThere = ({ url: QueueUrl }: { readonly url: string }) => answers(client, QueueUrl, calling);
  try {
    if (!(await hasCredentials(client, patient))) return patient.findings;
    await within(judge(patient, [...asked.values()], isThere), limitMs);
  } catch (error) {
    refused(patient, error);
  } finally {
    ending.abort();
    client.destroy();
  }
  return patient.findings;
}

interface Named {
  readonly name: string;
  readonly url: string;
}

async function judge(
  patient: Patient,
  [first, ...others]: readonly Named[],
  isThere: (queue: Named) => Promise<boolean>,
): Promise<void> {
  if (!first) {
    patient.well('no feature here sends or hears anything');
    return;
  }
  const began = performance.now();
  const found = [{ name: first.name, there: await isThere(first) }];
  const latencyMs = performance.now() - began;
  found.push(...(await Promise.all(others.map(async (one) => ({ name: one.name, there: await isThere(one) })))));
  const missing = found.filter(({ there }) => !there).map(({ name }) => name);
  patient.well(`${found.length - missing.length} of ${found.length} queues are there`, { latencyMs });
  if (missing.length === 0) return;
  patient.warn(
    `queues are missing: ${missing.join(', ')}`,
    'They are made when they are first needed, if the role may sqs:CreateQueue; else make them: see "SQS" in the README.',
  );
}

async function answers(
  client: SQS,
  QueueUrl: string,
  calling: { readonly abortSignal: AbortSignal },
): Promise<boolean> {
  try {
    await client.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] }, calling);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Asked for by themselves: the SDK's error would not say that it is these that it lacks. */
async function hasCredentials(client: SQS, patient: Patient): Promise<boolean> {
  try {
    await within(client.config.credentials(), limitMs);
    return true;
  } catch {
    // Whatever the SDK says of where it has looked may show what stands there.
    patient.fail(
      'the process has no credentials for it',
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity or a role: they are found as by every AWS SDK.',
    );
    return false;
  }
}

function refused(patient: Patient, error: unknown): void {
  const {
    name = '',
    code,
    $metadata,
  } = error as {
    readonly name?: string;
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  // What another server calls its errors is not repeated.
  const reason = /^[\w.]{1,60}$/.test(name) ? name : 'an error without a name';
  if (status === undefined)
    patient.fail(
      `does not answer: ${code ?? reason}`,
      'See that BUS_CONN names its endpoint, and that it can be reached.',
    );
  else if (/AccessDenied/.test(reason))
    patient.warn(
      `does not let us look at its queues: ${reason}`,
      'Whether they are there is not known. For this look the role needs sqs:GetQueueAttributes, beside what "SQS" in the README names.',
    );
  else if (status < 500)
    patient.fail(
      `refuses us: ${reason}`,
      'Give the process the credentials of the account and the region that BUS_CONN names; look at the clock of this machine.',
    );
  else patient.fail(`answers ${status}: ${reason}`, 'Try again; AWS tells of outages at health.aws.amazon.com.');
}
