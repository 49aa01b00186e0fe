import { within } from '../async/within';
import type { Channel } from '../bus/audiences';
import { codeOf, lastOf } from '../bus/servicebus.errors';
import { ServiceBusLine } from '../bus/servicebus.line';
import { parseServiceBusConnection } from '../config/servicebus-connection';
import { type Finding, Patient } from '../findings/finding';

const limitMs = 5000;

interface Place {
  readonly name: string;
  readonly ask: () => Promise<unknown>;
}

/** Looks whether Service Bus lets us in, and whether it has these topics and subscriptions. Nothing is sent, received or locked. */
export async function lookAtServiceBus(
  connection: string,
  topics: readonly string[],
  heard: readonly Channel[],
): Promise<Finding[]> {
  const { host, port } = parseServiceBusConnection(connection);
  const patient = new Patient('bus', `sb://${host}${port === undefined ? '' : `:${port}`}`);
  // Loaded only where it is asked for: it takes 0.7 s.
  const sdk = await import('@azure/service-bus');
  const retryOptions = { maxRetries: 0, timeoutInMs: limitMs };
  const line = new ServiceBusLine(new sdk.ServiceBusClient(connection, { retryOptions }));
  try {
    await judge(patient, [
      ...topics.map((topic) => ({ name: `topic ${topic}`, ask: () => sendable(line, topic) })),
      ...heard.map((one) => ({ name: `subscription ${one.consumer} of ${one.topic}`, ask: () => audible(line, one) })),
    ]);
    await line.end();
  } catch (error) {
    // The connection ends with the process: who is silent would not hear of it either.
    refused(patient, lastOf(error));
  }
  return patient.findings;
}

async function judge(patient: Patient, places: readonly Place[]): Promise<void> {
  const missing: string[] = [];
  let latencyMs: number | undefined;
  for (const { name, ask } of places) {
    const began = performance.now();
    try {
      await within(ask(), limitMs);
    } catch (error) {
      if (codeOf(lastOf(error)) !== 'MessagingEntityNotFound') throw error;
      missing.push(name);
    }
    latencyMs ??= performance.now() - began;
  }
  const told = `${places.length - missing.length} of ${places.length} topics and subscriptions are there`;
  patient.well(told, { latencyMs });
  if (missing.length === 0) return;
  patient.fail(
    `it has no ${missing.join(', no ')}`,
    'Make them: "Service Bus" in the README has the commands. Until then news is found in the log, later.',
  );
}

/** The link on which a batch would go. */
async function sendable({ client, signal }: ServiceBusLine, topic: string): Promise<void> {
  await client.createSender(topic).createMessageBatch({ abortSignal: signal });
}

/** A look at one message, which takes neither it nor a session. */
async function audible({ client, signal }: ServiceBusLine, { topic, consumer }: Channel): Promise<void> {
  await client.createReceiver(topic, consumer).peekMessages(1, { abortSignal: signal });
}

function refused(patient: Patient, error: unknown): void {
  const code = codeOf(error) ?? (error as Error).name;
  if (code === 'UnauthorizedAccess')
    patient.fail(
      'refuses us: UnauthorizedAccess',
      'Give BUS_CONN the name and the key of a policy of the namespace that may Send and Listen.',
    );
  else if (code === 'MessagingEntityDisabled')
    patient.fail('a topic or a subscription is disabled', 'Set its status to active.');
  else
    patient.fail(
      `does not answer: ${code}`,
      'See that BUS_CONN names the namespace, and that it can be reached (port 5671).',
    );
}
