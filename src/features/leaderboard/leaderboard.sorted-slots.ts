const bucketSize = 512;

interface Bucket {
  readonly slots: Uint32Array;
  length: number;
}

/**
 * Slots (places in other arrays) in the order of what they stand for, kept in buckets of sorted arrays. A million slots are
 * 2,000 to 4,000 buckets, so that finding a position is one binary search and one sum.
 */
export class SortedSlots<Key> {
  private readonly buckets: Bucket[] = [];

  /** `compare` is below 0 when what the slot stands for comes before the key, and 0 when it is the key. */
  constructor(private readonly compare: (slot: number, key: Key) => number) {}

  /** `key` is what the slot stands for from now on; nothing with an equal key may be here. */
  insert(slot: number, key: Key): void {
    let at = this.bucketOf(key);
    if (at === this.buckets.length) at = this.last();
    let bucket = this.buckets[at] ?? this.add(0);
    let place = this.placeIn(bucket, key);
    if (bucket.length === bucketSize) {
      // Scores that arrive in order fill bucket after bucket instead of leaving halves behind.
      const keep = place === bucketSize && at === this.last() ? bucketSize : bucketSize / 2;
      const next = this.split(at, keep);
      if (place > keep || keep === bucketSize) {
        place -= keep;
        bucket = next;
      }
    }
    bucket.slots.copyWithin(place + 1, place, bucket.length);
    bucket.slots[place] = slot;
    bucket.length += 1;
  }

  /** Removes what stands for `key`, if it is here. */
  remove(key: Key): void {
    const at = this.bucketOf(key);
    const bucket = this.buckets[at];
    if (!bucket) return;
    const place = this.placeIn(bucket, key);
    if (place === bucket.length || this.compare(bucket.slots[place] ?? 0, key) !== 0) return;
    bucket.slots.copyWithin(place, place + 1, bucket.length);
    bucket.length -= 1;
    if (bucket.length === 0) this.buckets.splice(at, 1);
  }

  /** How many come before `key`. */
  before(key: Key): number {
    const at = this.bucketOf(key);
    const bucket = this.buckets[at];
    return this.countBefore(at) + (bucket ? this.placeIn(bucket, key) : 0);
  }

  /** How many come before `key` or stand for it. */
  upTo(key: Key): number {
    const before = this.before(key);
    const [next] = this.slice(before, 1);
    return next !== undefined && this.compare(next, key) === 0 ? before + 1 : before;
  }

  /** `count` slots from the position `from` on, in order; fewer at the end. */
  slice(from: number, count: number): number[] {
    const found: number[] = [];
    let start = from;
    for (const { slots, length } of this.buckets) {
      if (found.length >= count) break;
      if (start >= length) {
        start -= length;
        continue;
      }
      for (; start < length && found.length < count; start += 1) found.push(slots[start] ?? 0);
      start = 0;
    }
    return found;
  }

  private countBefore(bucket: number): number {
    let sum = 0;
    for (let i = 0; i < bucket; i += 1) sum += this.buckets[i]?.length ?? 0;
    return sum;
  }

  /** The first bucket whose last is not before `key`; the number of buckets when there is none. */
  private bucketOf(key: Key): number {
    let low = 0;
    let high = this.buckets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { slots, length } = this.buckets[middle] as Bucket;
      if (this.compare(slots[length - 1] ?? 0, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private placeIn({ slots, length }: Bucket, key: Key): number {
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(slots[middle] ?? 0, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private last(): number {
    return Math.max(0, this.buckets.length - 1);
  }

  private add(at: number): Bucket {
    const bucket = { slots: new Uint32Array(bucketSize), length: 0 };
    this.buckets.splice(at, 0, bucket);
    return bucket;
  }

  /** Leaves `keep` slots in the bucket and moves the rest to a new one behind it. */
  private split(at: number, keep: number): Bucket {
    const bucket = this.buckets[at] as Bucket;
    const next = this.add(at + 1);
    next.slots.set(bucket.slots.subarray(keep, bucket.length));
    next.length = bucket.length - keep;
    bucket.length = keep;
    return next;
  }
}
