import { Injectable } from '@nestjs/common';
import { Clock } from '../../shared/clock/clock';
import { playerId } from '../../shared/contract/schemas';
import type { MuteRow } from './chat.entity';
import { chatName } from './chat.names';
import { ChatRepository } from './chat.repository';

const page = 1000;
const userPrefix = 'user:';
const maxKept = 50_000;

/** Who is silenced, as every sender is asked: by account, or by name where there is none. */
export interface Subject {
  readonly canonical: string;
  readonly userId?: string | undefined;
}

/** The subjects under which somebody may be muted. */
export function subjectsOf({ canonical, userId }: Subject): string[] {
  return userId === undefined ? [canonical] : [canonical, subjectOfUser(userId)];
}

/** True for what may be one. */
export function isSubject(text: string): boolean {
  if (!text.startsWith(userPrefix)) return chatName(text)?.canonical === text;
  return playerId.safeParse(text.slice(userPrefix.length)).success;
}

export function subjectOfUser(userId: string): string {
  return `${userPrefix}${userId}`;
}

/** The mutes that hold, in memory: those made here at once, those made elsewhere within a second. */
@Injectable()
export class ChatMutes {
  private bySubject = new Map<string, MuteRow>();

  constructor(
    private readonly repository: ChatRepository,
    private readonly clock: Clock,
  ) {}

  /** The mute that holds for a sender now. An account has its own: that of its name is of whoever had the name without it. */
  of({ canonical, userId }: Subject): MuteRow | undefined {
    const found = this.bySubject.get(userId === undefined ? canonical : subjectOfUser(userId));
    return found && found.mutedUntil > this.clock.steady() ? found : undefined;
  }

  /** Reads all that hold. @throws AppError unavailable */
  async refresh(): Promise<void> {
    const found = new Map<string, MuteRow>();
    for (let after = ''; found.size < maxKept; ) {
      const rows = await this.repository.activeMutes(after, page);
      for (const row of rows) found.set(row.subject, row);
      after = rows.at(-1)?.subject ?? '';
      if (rows.length < page) break;
    }
    this.bySubject = found;
  }
}
