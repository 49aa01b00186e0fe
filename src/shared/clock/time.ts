// RFC 3339, the spelling of every time outside this process; inside they are milliseconds since 1970.

// Any number of digits after the point, which no sender needs in this number: beyond it the text is not looked at.
const maxLength = 128;
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * Milliseconds since 1970 of an RFC 3339 time, in either case, or undefined: impossible dates are not rolled over.
 * Digits beyond milliseconds are cut off.
 */
export function instant(text: string): number | undefined {
  const parts = text.length > maxLength ? null : rfc3339.exec(text);
  if (!parts) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const [hour, minute, second] = [Number(parts[4]), Number(parts[5]), Number(parts[6])];
  // Date.UTC rolls 30 February over to March and takes the years 0-99 for 1900-1999; such times are refused instead.
  if (year < 100 || hour > 23 || minute > 59 || second > 59 || day < 1 || day > daysIn(year, month)) return undefined;
  const millis = parts[7] === undefined ? 0 : Number(parts[7].padEnd(3, '0').slice(0, 3));
  const offset = offsetMs(parts);
  return offset === undefined ? undefined : Date.UTC(year, month - 1, day, hour, minute, second, millis) - offset;
}

/** Days of a month of the Gregorian calendar; 0 where there is no such month. */
function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  if (month < 1 || month > 12) return 0;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function offsetMs([, , , , , , , , sign, hours = '0', minutes = '0']: RegExpExecArray): number | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -offset : offset;
}

const dayMs = 86_400_000;
// Of what a Date can say.
const furthestMs = 8.64e15;
const twoDigits = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
const threeDigits = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'));
// The day that was asked for last: nearly all times of one moment are of few days.
let day = Number.NaN;
let date = '';

/**
 * Milliseconds since 1970 as RFC 3339 in UTC with milliseconds, as `toISOString` spells it at several times the price.
 * @throws RangeError
 */
export function toTime(epochMs: number): string {
  if (!Number.isInteger(epochMs) || Math.abs(epochMs) > furthestMs) return new Date(epochMs).toISOString();
  const itsDay = Math.floor(epochMs / dayMs);
  if (itsDay !== day) {
    date = new Date(itsDay * dayMs).toISOString().slice(0, -'00:00:00.000Z'.length);
    day = itsDay;
  }
  const ms = epochMs - itsDay * dayMs;
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const [hour, minute, second] = [Math.floor(minutes / 60), minutes % 60, seconds % 60];
  return `${date}${twoDigits[hour]}:${twoDigits[minute]}:${twoDigits[second]}.${threeDigits[ms % 1000]}Z`;
}
