import { AppError } from '../errors/app-error';

export interface PlaceLimits {
  readonly max: number;
  /** Of them for one address. */
  readonly perAddress: number;
}

/** Bounds how many streams there are, in all and from one address, so that no caller takes all of them. */
export class Places {
  private readonly taken = new Map<string, number>();
  private count = 0;

  /** `changed` hears how many are taken, `refused` that there was none. */
  constructor(
    private readonly limits: PlaceLimits,
    private readonly changed: (taken: number) => void,
    private readonly refused: (reason: 'total' | 'address') => void,
  ) {}

  /** Takes a place and answers the function that gives it back. `undefined` is an address shared by all callers. @throws AppError rate_limited */
  take(address: string | undefined): () => void {
    const { max, perAddress } = this.limits;
    if (this.count >= max) throw this.refusal('total', `There are ${max} watchers already`);
    if (address !== undefined && (this.taken.get(address) ?? 0) >= perAddress)
      throw this.refusal('address', `${perAddress} watchers from this address are there already`);
    this.add(address, 1);
    return () => this.add(address, -1);
  }

  private add(address: string | undefined, difference: 1 | -1): void {
    this.count += difference;
    this.changed(this.count);
    if (address === undefined) return;
    const taken = (this.taken.get(address) ?? 0) + difference;
    if (taken === 0) this.taken.delete(address);
    else this.taken.set(address, taken);
  }

  private refusal(reason: 'total' | 'address', message: string): AppError {
    this.refused(reason);
    return new AppError('throttled', 'rate_limited', message, { retryAfterMs: 10_000 });
  }
}
