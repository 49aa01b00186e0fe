import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { SharedCall } from '../../shared/async/shared-call';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { dueAt, nameOf, type Window, WindowCalendar, type WindowKind } from './leaderboard.calendar';
import { keyInvalid, noSeason } from './leaderboard.errors';
import { LeaderboardRepository, type StoredWindow } from './leaderboard.repository';

export type { StoredWindow } from './leaderboard.repository';

/** A window and, where somebody has a score in it, its row. */
export interface Place {
  readonly window: Window;
  readonly stored: StoredWindow | undefined;
}

// A process, or an index, that is further behind reads the board anew.
const keptRevisions = 2000;
const forgetAtOnce = 500;

interface Known {
  window: StoredWindow;
  /** Changes up to this revision are gone from the database. */
  forgotten: number;
  readonly asked: SharedCall<StoredWindow | undefined>;
}

/** The windows that there are, by the calendar and in the database. */
@Injectable()
export class LeaderboardWindows {
  // The windows that were open when this process last looked.
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly repository: LeaderboardRepository,
    private readonly calendar: WindowCalendar,
    private readonly clock: Clock,
    private readonly logger: PinoLogger,
  ) {}

  /**
   * The window with this key, and without a key the current one. Where there is a row, it says when the window begins and
   * ends: its season may have been taken out of the configuration since.
   * @throws AppError validation_failed, season_not_found
   */
  async resolve(kind: WindowKind, key: string | undefined): Promise<Place> {
    const current = this.calendar.of(kind, this.clock.steady());
    if (key === undefined && !current) throw noSeason();
    // The calendar reads a key in 40 us; of the current one it has just said all.
    if (current && (key ?? current.key) === current.key) {
      const stored = await this.find(kind, current.key);
      return { window: stored ?? current, stored };
    }
    const place = await this.named(kind, key ?? '');
    if (!place) throw keyInvalid(kind);
    return place;
  }

  /** The window with this key; undefined when there can be none. */
  async named(kind: WindowKind, key: string): Promise<Place | undefined> {
    const stored = await this.find(kind, key);
    const window = stored ?? this.calendar.named(kind, key);
    return window && { window, stored };
  }

  /** True when it is too late for new events. */
  isDue(window: Window): boolean {
    return this.clock.steady() >= dueAt(window);
  }

  /** The ids of these windows by name; they are made where they are not there. Only the database says whether they are open. */
  async ids(windows: Iterable<Window>): Promise<Map<string, number>> {
    const ids = new Map<string, number>();
    for (const window of windows) {
      if (ids.has(window.name)) continue;
      const known = this.known.get(window.name)?.window ?? this.keep(await this.repository.ensureWindow(window));
      ids.set(window.name, known.id);
    }
    return ids;
  }

  /** The window as it is now; undefined when nobody has a score in it. */
  find(kind: WindowKind, key: string): Promise<StoredWindow | undefined> {
    const known = this.known.get(nameOf(kind, key));
    if (!known) return this.look(kind, key);
    return this.repository.embedded ? Promise.resolve(known.window) : known.asked.run();
  }

  /** Open windows, ordered by end time, earliest first, as the database says. */
  async open(): Promise<StoredWindow[]> {
    const open = await this.repository.openWindows();
    const names = new Set(open.map(({ name }) => name));
    for (const name of this.known.keys()) if (!names.has(name)) this.known.delete(name);
    for (const window of open) this.keep(window);
    return open;
  }

  /** To be called when the window has been closed. */
  forget({ name }: StoredWindow): void {
    this.known.delete(name);
  }

  /** Of the changes of an open window, which other processes follow, removes those that are old. @throws AppError unavailable */
  async forgetChanges(window: StoredWindow): Promise<void> {
    const known = this.known.get(window.name);
    const old = window.revision - keptRevisions;
    if (!known || this.repository.embedded || old - known.forgotten < forgetAtOnce) return;
    await this.repository.forgetChanges(window.id, old);
    known.forgotten = old;
  }

  /** While a window is open, the configuration says when it begins and ends: a season may be made longer. */
  async followCalendar(stored: StoredWindow): Promise<StoredWindow> {
    const window = this.calendar.named(stored.kind, stored.key);
    if (!window || (window.startsAt === stored.startsAt && window.endsAt === stored.endsAt)) return stored;
    if (!(await this.repository.moveWindow(stored, window))) return stored;
    const times = [stored.startsAt, stored.endsAt, window.startsAt, window.endsAt].map(toTime);
    this.logger.warn(
      { window: stored.name, reason: `it was ${times[0]} to ${times[1]}, and is ${times[2]} to ${times[3]}` },
      'leaderboard_window_moved',
    );
    return this.keep({ ...stored, startsAt: window.startsAt, endsAt: window.endsAt });
  }

  private async look(kind: WindowKind, key: string): Promise<StoredWindow | undefined> {
    const found = await this.repository.findWindow(kind, key);
    return found && this.keep(found);
  }

  private keep(window: StoredWindow): StoredWindow {
    const known = this.known.get(window.name);
    // Closed windows are looked up each time, so that they cannot crowd the memory.
    if (window.state === 'closed') this.known.delete(window.name);
    else if (known) known.window = window;
    else
      this.known.set(window.name, {
        window,
        forgotten: 0,
        asked: new SharedCall(() => this.look(window.kind, window.key)),
      });
    return window;
  }
}
