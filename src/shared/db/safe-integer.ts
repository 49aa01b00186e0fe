/** Passes a number through unless it is whole and beyond 2^53-1: then digits were or would be lost. */
export function checkNumber(value: number): number {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new RangeError('A whole number beyond 2^53-1 cannot pass between JavaScript and a database');
  }
  if (!Number.isFinite(value)) throw new RangeError('NaN and infinity cannot be stored');
  return value;
}
