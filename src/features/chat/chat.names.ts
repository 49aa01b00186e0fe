import { hash, randomBytes } from 'node:crypto';
import { composed, folded, unmarked } from '../../shared/text/plain';

const maxLength = 16;
// Marks are parts of letters in many scripts; they do not begin a name.
const shape = /^[\p{L}\p{N}_-][\p{L}\p{M}\p{N}_-]*$/u;
const visible = /[\p{L}\p{N}]/u;
// Drawn as nothing although they count as letters.
const blank = /[\u115F\u1160\u3164\uFFA0\p{Default_Ignorable_Code_Point}]/u;
// Words with which the server begins its own lines.
const reserved = new Set(['system', 'users']);
// Letters that are drawn like those of the reserved words, in whatever script. Source: confusables.txt of UTS 39
const drawnAlike = {
  s: 'ѕꜱᏚꮪᏕꮥꓢտ5',
  y: 'ʏуүγᎩꭹᎽꮍꓬ',
  t: 'τтᎢꭲꓔᴛⲧ',
  e: 'еєҽεᎬꭼꓰᴇⴹ3',
  m: 'мμᎷꮇꓟᴍⲙϻ',
  u: 'υսꓴᴜሀ',
  r: 'гʀᎡꭱᏒꮢꓣᖇ',
};
const lookAlikes = new Map(
  Object.entries(drawnAlike).flatMap(([letter, others]) => [...others].map((other) => [other, letter] as const)),
);
// Signs, and letters that are drawn like signs, make no other word.
const between = /[\p{Lm}_-]/gu;
const [latin, cyrillic, greek] = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];
const eastAsian = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}]/u;
const letter = /\p{L}/u;
const common = /[\p{Script=Common}\p{Script=Inherited}]/u;

/** How often an account is given another name when its own is somebody's. */
export const nameAttempts = 12;
const numberedAttempts = 9;

/** A name as it is shown, and as it is compared. */
export interface ChatName {
  readonly name: string;
  readonly canonical: string;
}

/**
 * A name of 1-16 letters, digits, `_` and `-` of any script, composed (NFC); undefined when it is none. Letters of different
 * scripts do not stand beside each other, since many are drawn alike; but Latin may with those of East Asia.
 */
export function chatName(text: string): ChatName | undefined {
  if (text.length > 4 * maxLength || !text.isWellFormed()) return undefined;
  const name = composed(text);
  if ([...name].length > maxLength || !shape.test(name) || !visible.test(name) || blank.test(name)) return undefined;
  if (!isOfOneScript(name)) return undefined;
  const canonical = folded(name);
  const drawn = [...unmarked(canonical).replace(between, '')].map((one) => lookAlikes.get(one) ?? one).join('');
  return reserved.has(drawn) ? undefined : { name, canonical };
}

function isOfOneScript(name: string): boolean {
  const scripts = new Set<string>();
  for (const one of name) {
    if (!letter.test(one) || common.test(one)) continue;
    if (latin.test(one)) scripts.add('latin');
    else if (eastAsian.test(one)) scripts.add('east asian');
    else if (cyrillic.test(one)) scripts.add('cyrillic');
    else scripts.add(greek.test(one) ? 'greek' : 'other');
  }
  return scripts.size < 2 || (scripts.size === 2 && scripts.has('latin') && scripts.has('east asian'));
}

/**
 * What an account is called in chat: the user's name without what chat does not have, and from the second attempt on with a
 * number. Whoever takes all of these keeps the account out of its name and not out of chat: the later ones nobody can guess.
 */
export function chatNameOf({ userName, userId }: { userName: string; userId: string }, attempt: number): ChatName {
  const letters = [
    ...composed(userName)
      .replace(/\s+/gu, '_')
      .replace(/[^\p{L}\p{M}\p{N}_-]/gu, ''),
  ];
  const suffix = suffixOf(userId, attempt);
  const base = letters.slice(0, maxLength - suffix.length).join('');
  const named = chatName(base) && chatName(`${base}${suffix}`);
  return named ?? (chatName(`player${suffix}`) as ChatName);
}

function suffixOf(userId: string, attempt: number): string {
  if (attempt === 0) return '';
  if (attempt < numberedAttempts) return `-${attempt + 1}`;
  // The first of them is always the same for an account.
  const hidden =
    attempt === numberedAttempts ? hash('sha256', `chat name of ${userId}`) : randomBytes(8).toString('hex');
  return `-${hidden.slice(0, 6)}`;
}

/** The name of a room: 1-32 letters, digits, `_` and `-`, compared and shown without case. Undefined when it is none. */
export function roomName(text: string): string | undefined {
  if (text.length > 128 || !text.isWellFormed()) return undefined;
  const name = folded(text);
  return [...name].length <= 32 && shape.test(name) && visible.test(name) && !blank.test(name) ? name : undefined;
}
