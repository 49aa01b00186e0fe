// Text that people see is normalised once, where it arrives: composed (NFC), well-formed, and nothing in it that is not seen.

// Controls, lone surrogates and what stands for lost bytes; and what turns the direction of the text around it.
const unseen = /[\p{Cc}\p{Cs}\uFFFD\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\u2028\u2029\uFEFF]/u;

// The same in words that regular expressions of every language have.
const unseenText =
  '\\u0000-\\u001F\\u007F-\\u009F\\uFFFD\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069\\u2028\\u2029\\uFEFF';
/** For the OpenAPI document: plain text with something in it that is no space. */
export const plainText = `^[^${unseenText}]*[^\\s${unseenText}][^${unseenText}]*$`;

/** True when text may be shown to others as it is. */
export function isPlain(text: string): boolean {
  return text.isWellFormed() && !unseen.test(text);
}

/** Composed (NFC), as text is stored and shown. Whoever asks has counted its characters. */
export function composed(text: string): string {
  return text.normalize('NFC');
}

/** In how many ways text may be written, compared as one: composed, of one width, without case. */
export function folded(text: string): string {
  // Which of both small sigmas a capital one becomes depends on what follows it.
  return text.normalize('NFKC').toLowerCase().replaceAll('\u03C2', '\u03C3').normalize('NFKC');
}

/** Text without accents and other marks, and without what makes letters look special. */
export function unmarked(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '');
}
