import { createHash } from 'node:crypto';

// What SQS takes: of one call, of one message, and as a name.

/** A parcel's text, and the key of its messages. */
export interface SqsEntry {
  readonly key: string;
  readonly text: string;
}

/** Entries of one call at most, of sending and of all others. */
export const maxEntries = 10;
const maxBytes = 256 * 1024;
const maxName = 80;
const longestEnding = '-dead.fifo';
const digits = 12;

/** Lists of ten and of 256 KiB at most, in the order of the entries; one that is longer is alone, and SQS says no to it. */
export function batchesOf(entries: readonly SqsEntry[]): SqsEntry[][] {
  const batches: SqsEntry[][] = [];
  let [batch, bytes]: [SqsEntry[], number] = [[], 0];
  for (const entry of entries) {
    const more = Buffer.byteLength(entry.text);
    if (batch.length === 0 || batch.length >= maxEntries || bytes + more > maxBytes) {
      [batch, bytes] = [[], 0];
      batches.push(batch);
    }
    batch.push(entry);
    bytes += more;
  }
  return batches;
}

/** So many lists at most, each to be sent in its order: all entries of one key are in one of them. */
export function lanesOf(entries: readonly SqsEntry[], most: number): SqsEntry[][] {
  const lanes = Array.from({ length: most }, (): SqsEntry[] => []);
  const byKey = new Map<string, number>();
  for (const entry of entries) {
    const at = byKey.get(entry.key) ?? byKey.size % most;
    byKey.set(entry.key, at);
    lanes[at]?.push(entry);
  }
  return lanes.filter(({ length }) => length > 0);
}

/** Lists of ten at most. */
export function tens<Item>(items: readonly Item[]): Item[][] {
  const lists: Item[][] = [];
  for (let at = 0; at < items.length; at += maxEntries) lists.push(items.slice(at, at + maxEntries));
  return lists;
}

/** JSON as SQS takes it: it refuses two characters that JSON may have as they are. */
export function sendable(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/** The name of a consumer's queue, without its ending: 80 characters with it, letters, digits, `-` and `_`. */
export function queueStem(prefix: string, topic: string, consumer: string): string {
  const name = `${prefix}-${topic}-${consumer}`;
  const room = maxName - longestEnding.length;
  if (name.length <= room && /^[\w-]*$/.test(name)) return name;
  // Two names that differ only in what SQS does not take are two queues all the same.
  return `${name.replace(/[^\w-]/g, '_').slice(0, room - digits - 1)}-${digest(`${topic} ${consumer}`).slice(0, digits)}`;
}

/** The message group of a key: itself, where SQS takes that. */
export function groupOf(key: string): string {
  return /^[!-~]{1,128}$/.test(key) ? key : digest(key);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
