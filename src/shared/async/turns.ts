/** Work that takes turns: each begins when the one before has ended, whatever became of it. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    // Whoever gave the work hears what became of it; the next one goes on in any case.
    this.last = Promise.allSettled([mine]);
    return mine;
  }

  /** Resolves when all that has come until now is done. */
  async idle(): Promise<void> {
    await this.last;
  }
}
