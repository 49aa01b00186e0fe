import { ulid } from 'ulid';
import type { ClientFrame, ServerFrame } from '../generated/aerie/chat/v1/chat';

const maxText = 512;
// More is no name and no room, and a frame has 8 KiB at most.
const maxName = 64;
// Controls move the cursor or worse, and direction marks turn what stands around them.
const unprintable = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/gu;

export const help = [
  '/w <name> <text>   whisper to somebody',
  '/users             who is here',
  '/join <room>       go to another room',
  '/exit              leave; so do Ctrl-D and Ctrl-C',
];

/** What a line means: a frame to send, words for the person, or nothing. */
export type Meaning = { readonly frame: ClientFrame } | { readonly words: readonly string[]; readonly wrong: boolean };

/** What somebody has typed. Undefined for a line of spaces. */
export function meaningOf(line: string): Meaning | undefined {
  const text = line.normalize('NFC').trim();
  if (text === '') return undefined;
  if (!text.startsWith('/')) return spoken({ type: 'say', text });
  const [word = ''] = text.split(/\s/, 1);
  const rest = text.slice(word.length).trim();
  const [first = ''] = rest.split(/\s/, 1);
  const more = rest.slice(first.length).trim();
  switch (word) {
    case '/w':
      return more === ''
        ? wrong('Say it like this: /w <name> <text>')
        : spoken({ type: 'whisper', to: first, text: more });
    case '/users':
      return { frame: { type: 'users' } };
    case '/join':
      if (first === '' || more !== '' || first.length > maxName) return wrong('Say it like this: /join <room>');
      return { frame: { type: 'join', room: first } };
    case '/exit':
      return { frame: { type: 'exit' } };
    case '/help':
      return { words: help, wrong: false };
    default:
      return wrong(`There is no command ${printable(word)}; /help tells which there are`);
  }
}

function spoken(frame: ClientFrame & { readonly text: string }): Meaning {
  if ((frame.to ?? '').length > maxName) return wrong('Nobody has so long a name');
  const length = [...frame.text].length;
  if (length > maxText) return wrong(`A message has at most ${maxText} characters, and this one has ${length}`);
  return { frame: { ...frame, id: ulid() } };
}

function wrong(words: string): Meaning {
  return { words: [words], wrong: true };
}

/** Others' text as a terminal may be given it: what would move its cursor, or turn the line around, is a `\uFFFD`. */
export function printable(text: string): string {
  return text.replace(unprintable, '\uFFFD');
}

/** The same of every text of a frame. */
export function printableFrame(frame: ServerFrame): ServerFrame {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean);
    return typeof value === 'string' ? printable(value) : value;
  };
  return Object.fromEntries(Object.entries(frame).map(([key, value]) => [key, clean(value)])) as unknown as ServerFrame;
}

/** What a person reads of a frame; undefined for what is no news to anybody. */
export function lineOf(frame: ServerFrame): string | undefined {
  const { type, name, room, from, to, text, count = 0, messages = 0, code, message } = frame;
  switch (type) {
    case 'welcome':
      return `-- You are ${name}, in ${room}. /help tells what there is.${gone(frame)}`;
    case 'room':
      return frame.reset || frame.count !== undefined ? `--${gone(frame)}` : `-- You are in ${room}.`;
    case 'message':
      return `${timeOf(frame)} ${from}: ${frame.deleted ? '(deleted)' : text}`;
    case 'whisper':
      return frame.own
        ? `${timeOf(frame)} you whisper to ${to}: ${text}`
        : `${timeOf(frame)} ${from} whispers: ${text}`;
    case 'joined':
    case 'left':
      return `-- ${name} ${type}`;
    case 'deleted':
      return `-- Message ${frame.seq} was deleted`;
    case 'users':
      return `-- In ${room}: ${frame.users.join(', ')}${frame.more ? ', ...' : ''}`;
    case 'missed':
      return `-- Missed ${count}, of these ${messages} ${messages === 1 ? 'message' : 'messages'}: too slow for all of it`;
    case 'error':
      return `${code}: ${message}`;
    case 'bye':
      return code === 'exit' ? undefined : `-- ${message}`;
    default:
      return undefined;
  }
}

function gone({ count = 0, reset }: ServerFrame): string {
  if (reset) return ' The server counts anew: some messages may be missing.';
  return count > 0 ? ` ${count} earlier ${count === 1 ? 'message is' : 'messages are'} gone.` : '';
}

/** The local time of day. */
function timeOf({ at = '' }: ServerFrame): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? '--:--:--' : time.toTimeString().slice(0, 8);
}
