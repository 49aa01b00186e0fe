/**
 * Copies of what SQL holds, so that it need not be asked again. May be empty at any instant; never older than its time to
 * live, and never replaced by something older: of two values under one key the higher version stays.
 */
export abstract class Cache {
  abstract get<Value extends object>(space: CacheSpace, key: string): Promise<Value | undefined>;
  abstract put(space: CacheSpace, key: string, value: object, version: number): Promise<void>;
}

/** Whose keys these are: a feature and a kind of thing, such as progression and progress. */
export interface CacheSpace {
  readonly service: string;
  readonly name: string;
}
