import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { within } from '../async/within';
import { listenError } from '../lifecycle/start.error';

/** A port of a feature's own, for a protocol that is neither HTTP nor gRPC. Its connections are for `Connections` to count. */
export interface Listener {
  /** As logs spell it: `voice` is `voice_port` there. */
  readonly name: string;
  /** The variable that chose the port: `VOICE_PORT`. */
  readonly variable: string;
  /** What `npm start` prints of it; `address`: where it listens. */
  row(address: string): readonly [name: string, value: string];
  /** Answers the port. */
  listen(host: string): Promise<number>;
  /** Takes no further connections; those that are open stay. */
  stopListening(): Promise<void>;
  /** Says goodbye to its clients, on every wire, and ends them. */
  close(): Promise<void>;
}

/** The features' own listeners, added at start: they listen, and stop, together with the servers of all. */
@Injectable()
export class Listeners {
  private readonly added: Listener[] = [];
  private readonly open = new Map<Listener, number>();

  constructor(private readonly logger: PinoLogger) {}

  add(listener: Listener): void {
    this.added.push(listener);
  }

  /** @throws StartError naming the variable whose port cannot be had */
  async listen(host: string): Promise<void> {
    for (const listener of this.added) {
      try {
        this.open.set(listener, await listener.listen(host));
      } catch (error) {
        throw listenError(error, { [listener.variable]: Number((error as { port?: unknown } | null)?.port) });
      }
    }
  }

  /** Where they listen, by their names. */
  get ports(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.open].map(([{ name }, port]) => [name, port]));
  }

  /** The lines of the banner, under the host that they listen on. */
  rows(host: string): (readonly [name: string, value: string])[] {
    const shown = host.includes(':') ? `[${host}]` : host;
    return [...this.open].map(([listener, port]) => listener.row(`${shown}:${port}`));
  }

  async stopListening(): Promise<void> {
    await this.each((listener) => listener.stopListening());
  }

  /** Waits for each of them, `limitMs` at most. */
  async close(limitMs: number): Promise<void> {
    await this.each((listener) => within(listener.close(), limitMs));
  }

  /** One that fails keeps neither the others nor the stop of the process. */
  private async each(work: (listener: Listener) => Promise<void>): Promise<void> {
    const attempt = async (listener: Listener): Promise<void> => {
      try {
        await work(listener);
      } catch (error) {
        this.logger.error({ err: error, feature: listener.name }, 'listener_failed');
      }
    };
    await Promise.all([...this.open.keys()].map(attempt));
  }
}
