/** A copy that may be kept: of two under one key the higher version stays. */
export interface Copy {
  readonly key: string;
  readonly value: object;
  readonly version: number;
}

/**
 * Copies of what SQL holds, so that it need not be asked again. May be empty at any instant; never older than its time to
 * live, and never replaced by something older.
 */
export abstract class Cache {
  abstract get<Value extends object>(space: CacheSpace, key: string): Promise<Value | undefined>;
  /** What was just read. It is not kept while a change of it is under way. */
  abstract put(space: CacheSpace, copy: Copy): Promise<void>;
  /**
   * Runs `work`, which changes what these keys stand for. Until its outcome is known no process uses copies of them, also
   * when this one dies meanwhile; then the copies are those that `made` tells.
   * @throws as `work`
   */
  abstract change<Result>(
    space: CacheSpace,
    keys: readonly string[],
    work: () => Promise<Result>,
    made: (result: Result) => readonly Copy[],
  ): Promise<Result>;
}

/** Whose keys these are: a feature and a kind of thing, such as progression and progress. */
export interface CacheSpace {
  readonly service: string;
  readonly name: string;
}
