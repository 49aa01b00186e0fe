import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { IngestResult } from '../generated/aerie/events_gateway/v1/events_gateway';
import { validationFailed } from '../shared/errors/common.errors';
import { fileUnreadable, type Session } from './command-line';
import { complete, type GameEvent } from './game-event';

const maxBatch = 500;
// The server takes 256 KiB a batch; the envelope needs a little.
const maxBatchBytes = 250 * 1024;
const maxShownRejections = 20;

interface Counts {
  accepted: number;
  duplicate: number;
  rejected: number;
}

/** Sends a file of events in batches, as it reads it. 1 when one was rejected. */
export async function send({ client, print, say }: Session, file: string): Promise<number> {
  const counts: Counts = { accepted: 0, duplicate: 0, rejected: 0 };
  const rejections: IngestResult[] = [];
  const note = (results: readonly IngestResult[]): void => {
    for (const result of results) {
      counts[result.status as keyof Counts] += 1;
      if (result.status === 'rejected' && rejections.length < maxShownRejections) rejections.push(result);
    }
  };
  try {
    for await (const batch of batches(eventsIn(file, (line) => note([unreadable(line)])))) {
      note((await client.sendBatch(batch)).results);
    }
  } catch (error) {
    if (counts.accepted + counts.duplicate + counts.rejected > 0) say(`Sent before it failed: ${summary(counts)}`);
    throw error;
  }
  const shown = rejections.map(({ eventId, error }) => `rejected ${eventId}: ${error?.code}: ${error?.message}`);
  print({ ...counts, rejections }, [summary(counts), ...shown]);
  return counts.rejected > 0 ? 1 : 0;
}

function summary({ accepted, duplicate, rejected }: Counts): string {
  return `${accepted} accepted, ${duplicate} duplicate, ${rejected} rejected`;
}

function unreadable(line: string): IngestResult {
  return { eventId: line, status: 'rejected', error: { code: 'malformed_json', message: 'is not a JSON object' } };
}

/** Groups events to what one request may hold. */
async function* batches(events: AsyncIterable<GameEvent>): AsyncGenerator<GameEvent[]> {
  let batch: GameEvent[] = [];
  let bytes = 0;
  for await (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event)) + 1;
    if (batch.length === maxBatch || (batch.length > 0 && bytes + size > maxBatchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** The events of a file: one a line as they come, or an array, which is read whole. */
async function* eventsIn(file: string, refuse: (where: string) => void): AsyncGenerator<GameEvent> {
  const input = file === '-' ? process.stdin : (await opened(file)).createReadStream();
  let number = 0;
  let whole: string[] | undefined;
  let begun = false;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line.trim() === '') continue;
    if (!begun && line.trimStart().startsWith('[')) whole = [];
    begun = true;
    if (whole) whole.push(line);
    else yield* events(`[${line}]`, () => refuse(`line ${number}`));
  }
  if (whole) yield* events(whole.join('\n'), refuse);
}

async function opened(file: string): Promise<FileHandle> {
  try {
    const handle = await open(file);
    if (!(await handle.stat()).isDirectory()) return handle;
    await handle.close();
  } catch (error) {
    throw fileUnreadable('file', file, error);
  }
  throw validationFailed([{ field: 'file', message: `${file} is a directory` }]);
}

function* events(json: string, refuse: (where: string) => void): Generator<GameEvent> {
  const values = parsed(json);
  if (!values) refuse('file');
  for (const [index, value] of (values ?? []).entries()) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) yield complete(value as GameEvent);
    else refuse(`item ${index + 1}`);
  }
}

function parsed(json: string): unknown[] | undefined {
  try {
    return JSON.parse(json) as unknown[];
  } catch {
    return undefined;
  }
}
