import type { By, ClientId, Command, Present, Said, Sent } from './chat.effects';

export type Dispatch = (command: Command) => void;

/**
 * Where rooms get their numbers and names their owners, for this process alone or for all together. What is asked of it
 * comes back as commands, at once or later; nothing here throws, and an outage is answered, too.
 */
export abstract class ChatExchange {
  /** Commands go to `dispatch` from now on. */
  abstract start(dispatch: Dispatch): Promise<void>;
  /** Answers `claimed`. */
  abstract claim(client: ClientId, canonical: string): void;
  abstract release(canonical: string): void;
  /** Somebody of this process is in this room now. */
  abstract present(present: Present): void;
  abstract absent(canonical: string): void;
  /** Answers `opened` with the room as it is; with `create` it begins with that, should it be none yet. */
  abstract open(room: string, create: boolean): void;
  /** This process no longer needs to know the room. */
  abstract closed(room: string): void;
  /** Numbers a message: `arrived` goes to all processes, and then `published` to this one. */
  abstract publish(room: string, said: Said, by: By): void;
  /** Takes a message's text away for good: `deleted` goes to all processes. @throws AppError unavailable */
  abstract bury(room: string, epoch: string, seq: number): Promise<void>;
  /** To somebody of another process. Answers `sent`. */
  abstract send(sent: Sent): void;
  /** Of this process nobody is there any more. @throws Error when that cannot be told to others, who find out by themselves */
  abstract stop(): Promise<void>;
}
