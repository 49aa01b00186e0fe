import { composed, folded } from '../../shared/text/plain';

const maxLength = 16;
// Marks are parts of letters in many scripts; they do not begin a name.
const shape = /^[\p{L}\p{N}_-][\p{L}\p{M}\p{N}_-]*$/u;
const visible = /[\p{L}\p{N}]/u;
// Drawn as nothing although they count as letters.
const blank = /[\u115F\u1160\u3164\uFFA0\p{Default_Ignorable_Code_Point}]/u;
// Words with which the server begins its own lines.
const reserved = new Set(['system', 'users']);
// Letters that are drawn like those of the reserved words. Source: confusables.txt of UTS 39
const lookAlikes: Readonly<Record<string, string>> = {
  ...{ ѕ: 's', ꜱ: 's', ʏ: 'y', у: 'y', ү: 'y', γ: 'y', υ: 'u', τ: 't', т: 't', е: 'e', є: 'e', ҽ: 'e', м: 'm', μ: 'm' },
  ...{ ս: 'u', г: 'r', ʀ: 'r', ᴛ: 't', ᴇ: 'e', ᴍ: 'm', ᴜ: 'u', '5': 's', '3': 'e', '-': '', _: '' },
};
const [latin, cyrillic, greek] = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];

/** A name as it is shown, and as it is compared. */
export interface ChatName {
  readonly name: string;
  readonly canonical: string;
}

/**
 * A name of 1-16 letters, digits, `_` and `-` of any script, composed (NFC); undefined when it is none. Letters of Latin,
 * Cyrillic and Greek do not stand beside each other: many of them are drawn alike.
 */
export function chatName(text: string): ChatName | undefined {
  if (text.length > 4 * maxLength || !text.isWellFormed()) return undefined;
  const name = composed(text);
  if ([...name].length > maxLength || !shape.test(name) || !visible.test(name) || blank.test(name)) return undefined;
  if ([latin, cyrillic, greek].filter((script) => script.test(name)).length > 1) return undefined;
  const canonical = folded(name);
  const skeleton = [...canonical].map((letter) => lookAlikes[letter] ?? letter).join('');
  return reserved.has(skeleton) ? undefined : { name, canonical };
}

/** What a user is called in chat: the user's name without what chat does not have, and from the second try on a number. */
export function chatNameOf(userName: string, attempt: number): ChatName {
  const letters = [
    ...composed(userName)
      .replace(/\s+/gu, '_')
      .replace(/[^\p{L}\p{M}\p{N}_-]/gu, ''),
  ];
  const suffix = attempt === 0 ? '' : `-${attempt + 1}`;
  const base = letters.slice(0, maxLength - suffix.length).join('');
  return chatName(`${base}${suffix}`) ?? (chatName(`player${suffix}`) as ChatName);
}

/** The name of a room: 1-32 letters, digits, `_` and `-`, compared and shown without case. Undefined when it is none. */
export function roomName(text: string): string | undefined {
  if (text.length > 128 || !text.isWellFormed()) return undefined;
  const name = folded(text);
  return [...name].length <= 32 && shape.test(name) && visible.test(name) && !blank.test(name) ? name : undefined;
}
