/** Milliseconds by which the wall clock has left the course of the monotonic one: ahead, or (negative) back. */
export type Jump = number;

/** More than a clock is set by in everyday life. */
export const maxStepMs = 60_000;
/** Looks so far apart have to agree before a clock that has jumped is believed. */
export const settleMs = 180_000;
// The rate at which a clock is slewed at most: a millisecond in a second, with some room.
const slewing = 0.002;

/**
 * Compares the wall clock with the monotonic one. After a jump of more than a minute it is not believed until it has run
 * alongside for three minutes, wherever it is by then. Both times are given in milliseconds.
 */
export class WallWatch {
  /** Wall time less monotonic time, as long as it was believed. */
  private offset: number | undefined;
  private lookedAt = 0;
  private jumped: { readonly offset: number; readonly at: number } | undefined;
  private latest = Number.NEGATIVE_INFINITY;

  constructor(private readonly told: (jump: Jump) => void) {}

  /** True while the wall clock may be believed. */
  look(wall: number, monotonic: number): boolean {
    const found = wall - monotonic;
    this.offset ??= found;
    const course = this.jumped?.offset ?? this.offset;
    if (Math.abs(found - course) > maxStepMs) {
      this.jumped = { offset: found, at: monotonic };
      this.told(found - course);
    } else if (!this.jumped) {
      this.follow(found - course, monotonic);
    } else if (monotonic - this.jumped.at >= settleMs) {
      this.jumped = undefined;
      this.offset = found;
      this.latest = Number.NEGATIVE_INFINITY;
    }
    this.lookedAt = monotonic;
    return this.jumped === undefined;
  }

  /**
   * The time by the course that the clock was on before it jumped; the wall clock's where it has not. Small steps back do
   * not take it back: it waits.
   */
  steady(wall: number, monotonic: number): number {
    const believed = this.look(wall, monotonic);
    const time = believed ? wall : Math.floor(monotonic + (this.offset ?? 0));
    if (time > this.latest || this.latest - time > maxStepMs) this.latest = time;
    return this.latest;
  }

  /** A clock that is slewed is followed; steps of less than a minute add up until they are one of more. */
  private follow(step: number, monotonic: number): void {
    const limit = Math.max(0, monotonic - this.lookedAt) * slewing;
    this.offset = (this.offset ?? 0) + Math.max(-limit, Math.min(limit, step));
  }
}
