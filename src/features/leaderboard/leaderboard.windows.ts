import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { SharedCall } from '../../shared/async/shared-call';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { Calendar, dueAt, nameOf, type Window, type WindowKind } from './leaderboard.calendar';
import { keyInvalid, noSeason } from './leaderboard.errors';
import { type StoredWindow, WindowsRepository } from './leaderboard.windows.repository';

export type { StoredWindow } from './leaderboard.windows.repository';

/** A window and, where somebody has a score in it, its row. */
export interface Place {
  readonly window: Window;
  readonly stored: StoredWindow | undefined;
}

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
    private readonly logger: PinoLogger,
  ) {}

  /** The windows that an instant is in. */
  at(instant: number): Window[] {
    return this.calendar.at(instant);
  }

  /**
   * What a caller means; the current window without a key. Where there is a row, it says when the window begins and ends:
   * its season may have been taken out of the configuration since.
   * @throws AppError validation_failed, season_not_found
   */
  async resolve(kind: WindowKind, key: string | undefined): Promise<Place> {
    const current = this.calendar.of(kind, this.clock.steady());
    if (key === undefined && !current) throw noSeason();
    const place = await this.named(kind, key ?? current?.key ?? '');
    if (!place) throw keyInvalid(kind);
    return place;
  }

  /** The window with this key; undefined when there can be none. */
  async named(kind: WindowKind, key: string): Promise<Place | undefined> {
    const stored = await this.find(kind, key);
    const window = stored ?? this.calendar.named(kind, key);
    return window && { window, stored };
  }

  /** Whether it is too late for new events. */
  isDue(window: Window): boolean {
    return this.clock.steady() >= dueAt(window);
  }

  /** The ids of these windows by name; they are made where they are not there. Whether they are open, only the database says. */
  async ids(windows: Iterable<Window>): Promise<Map<string, number>> {
    const ids = new Map<string, number>();
    for (const window of windows) if (!ids.has(window.name)) ids.set(window.name, (await this.ensure(window)).id);
    return ids;
  }

  /** The window as it is now; undefined when nobody has a score in it. */
  find(kind: WindowKind, key: string): Promise<StoredWindow | undefined> {
    const known = this.known.get(nameOf(kind, key));
    if (!known) return this.look(kind, key);
    return this.repository.embedded ? Promise.resolve(known.window) : known.asked.run();
  }

  /** Those that are open, ordered by end time, earliest first, as the database says. */
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

  /** While a window is open, the configuration says when it begins and ends: a season may be made longer. */
  async followCalendar(stored: StoredWindow): Promise<StoredWindow> {
    const window = this.calendar.named(stored.kind, stored.key);
    if (!window || (window.startsAt === stored.startsAt && window.endsAt === stored.endsAt)) return stored;
    if (!(await this.repository.move(stored, window))) return stored;
    const times = [stored.startsAt, stored.endsAt, window.startsAt, window.endsAt].map(toTime);
    this.logger.warn(
      { window: stored.name, reason: `it was ${times[0]} to ${times[1]}, and is ${times[2]} to ${times[3]}` },
      'leaderboard_window_moved',
    );
    return this.keep({ ...stored, startsAt: window.startsAt, endsAt: window.endsAt });
  }

  private async look(kind: WindowKind, key: string): Promise<StoredWindow | undefined> {
    const found = await this.repository.find(kind, key);
    return found && this.keep(found);
  }

  private keep(window: StoredWindow): StoredWindow {
    const known = this.known.get(window.name);
    // Those that are closed are looked up each time, and cannot crowd the memory.
    if (window.state === 'closed') this.known.delete(window.name);
    else if (known) known.window = window;
    else this.known.set(window.name, { window, asked: new SharedCall(() => this.look(window.kind, window.key)) });
    return window;
  }
}
