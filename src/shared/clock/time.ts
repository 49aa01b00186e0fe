// RFC 3339, the spelling of every time outside this process; inside they are milliseconds since 1970.

// Any number of digits after the point, which no sender needs in this number: beyond it the text is not looked at.
const maxLength = 128;
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

// The last answer is kept: a time is validated where it arrives and converted right after.
let lastText = '';
let lastInstant: number | undefined;

/**
 * Milliseconds since 1970 of an RFC 3339 time, in either case, or undefined: impossible dates are not rolled over.
 * Digits beyond milliseconds are cut off.
 */
export function instant(text: string): number | undefined {
  if (text !== lastText) {
    lastInstant = toInstant(text);
    lastText = text;
  }
  return lastInstant;
}

function toInstant(text: string): number | undefined {
  const parts = text.length > maxLength ? null : rfc3339.exec(text);
  if (!parts) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number);
  const millis = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3));
  const epoch = Date.UTC(year, month - 1, day, hour, minute, second, millis);
  // Date.UTC rolls 30 February over to March and takes the years 0-99 for 1900-1999; such times are refused instead.
  const spelled = `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}`;
  if (!new Date(epoch).toISOString().startsWith(spelled)) return undefined;
  const offset = offsetMs(parts);
  return offset === undefined ? undefined : epoch - offset;
}

function offsetMs([, , , , , , , , sign, hours = '0', minutes = '0']: RegExpExecArray): number | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -offset : offset;
}

/** Milliseconds since 1970 as RFC 3339 in UTC with milliseconds. */
export function toTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
