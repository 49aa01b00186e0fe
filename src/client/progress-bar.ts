const width = 30;

/** How far something is: a bar that grows on a terminal, one plain line at the end anywhere else. On standard error. */
export class ProgressBar {
  private readonly live = process.stderr.isTTY === true;

  constructor(
    private readonly label: string,
    private readonly total: number,
  ) {}

  reached(count: number): void {
    if (!this.live) return;
    const filled = Math.round((count / this.total) * width);
    const bar = '#'.repeat(filled) + '-'.repeat(width - filled);
    process.stderr.write(`\r${this.label.padEnd(8)}[${bar}] ${count}/${this.total}`);
  }

  done(): void {
    this.reached(this.total);
    process.stderr.write(this.live ? '\n' : `${this.label} ${this.total}/${this.total}\n`);
  }
}
