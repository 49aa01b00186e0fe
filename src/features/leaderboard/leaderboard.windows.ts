import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { Calendar, dueAt, type Window, type WindowKind } from './leaderboard.calendar';
import { keyInvalid, noSeason } from './leaderboard.errors';
import { SharedCall } from './leaderboard.shared-call';
import { type StoredWindow, WindowsRepository } from './leaderboard.windows.repository';

interface Known {
  window: StoredWindow;
  readonly asked: SharedCall<StoredWindow | undefined>;
}

/** The windows that there are, by the calendar and in the database. */
@Injectable()
export class Windows {
  // Those that were open when this process last looked.
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly repository: WindowsRepository,
    private readonly calendar: Calendar,
    private readonly clock: Clock,
  ) {}

  /** The windows that an instant is in. */
  at(instant: number): Window[] {
    return this.calendar.at(instant);
  }

  /** What a caller means; the current window without a key. @throws AppError validation_failed, season_not_found */
  named(kind: WindowKind, key: string | undefined): Window {
    if (key === undefined) {
      const current = this.calendar.of(kind, this.clock.now());
      if (!current) throw noSeason();
      return current;
    }
    const named = this.calendar.named(kind, key);
    if (!named) throw keyInvalid(kind);
    return named;
  }

  /** Whether it is too late for new events. */
  isDue(window: Window): boolean {
    return this.clock.now() >= dueAt(window);
  }

  /** The ids of these windows by name; they are made where they are not there. Whether they are open, only the database says. */
  async ids(windows: Iterable<Window>): Promise<Map<string, number>> {
    const ids = new Map<string, number>();
    for (const window of windows) if (!ids.has(window.name)) ids.set(window.name, (await this.ensure(window)).id);
    return ids;
  }

  /** The window as it is now; undefined when nobody has a score in it. */
  find(window: Window): Promise<StoredWindow | undefined> {
    const known = this.known.get(window.name);
    if (!known) return this.look(window);
    return this.repository.embedded ? Promise.resolve(known.window) : known.asked.run();
  }

  /** Those that are open, the one that ends first first, as the database says. */
  async open(): Promise<StoredWindow[]> {
    const open = await this.repository.open();
    const names = new Set(open.map(({ name }) => name));
    for (const name of this.known.keys()) if (!names.has(name)) this.known.delete(name);
    for (const window of open) this.keep(window);
    return open;
  }

  /** It has been closed. */
  forget({ name }: StoredWindow): void {
    this.known.delete(name);
  }

  private async ensure(window: Window): Promise<StoredWindow> {
    const known = this.known.get(window.name);
    return known ? known.window : this.keep(await this.repository.ensure(window));
  }

  private async look(window: Window): Promise<StoredWindow | undefined> {
    const found = await this.repository.find(window);
    return found && this.keep(found);
  }

  private keep(window: StoredWindow): StoredWindow {
    const known = this.known.get(window.name);
    // Those that are closed are looked up each time, and cannot crowd the memory.
    if (window.state === 'closed') this.known.delete(window.name);
    else if (known) known.window = window;
    else this.known.set(window.name, { window, asked: new SharedCall(() => this.look(window)) });
    return window;
  }
}
