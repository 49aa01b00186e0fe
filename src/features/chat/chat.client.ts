import type { PinoLogger } from 'nestjs-pino';
import { detach, guarded } from '../../shared/async/guarded';
import { toTime } from '../../shared/clock/time';
import type { AppError } from '../../shared/errors/app-error';
import { toAppError } from '../../shared/errors/to-app-error';
import type { ClientId, Command, Told } from './chat.effects';
import { mutedUntil } from './chat.errors';
import type { Spoken } from './chat.fields';
import type { ChatFlusher } from './chat.flusher';
import { ChatFrame } from './chat.frame';
import type { ChatAccount, ChatIdentity } from './chat.identity';
import type { ChatMetrics, ChatWireName } from './chat.metrics';
import type { ChatMutes, Subject } from './chat.mutes';
import { type ChatName, chatName, chatNameOf, nameAttempts } from './chat.names';
import { ChatClientPace } from './chat.pace';
import { type ChatTransport, ChatWriter } from './chat.writer';

/** How long a client may take to say who it is, and to read on once its queue is full. */
export const registerMs = 10_000;
export const stalledMs = 10_000;
const flushMs = 1000;
const replayCost = 4;

/** The connection of one client, whatever wire it is on. */
export interface ChatWire extends ChatTransport {
  readonly wire: ChatWireName;
  /** False for what this wire does not say; unset: it says all. */
  hears?(frame: ChatFrame): boolean;
  /** Closes when what was written has gone out. `code`: why. */
  end(code: string): void;
  /** Closes at once, with the reason where the wire can still tell it. */
  destroy(code: string): void;
}

/** What a client asks of the one who holds all clients. */
export interface ChatClientHost {
  readonly flusher: ChatFlusher;
  readonly metrics: ChatMetrics;
  readonly identity: ChatIdentity;
  readonly mutes: ChatMutes;
  readonly logger: PinoLogger;
  dispatch(command: Command): void;
  leave(client: ChatClient): void;
  /** The client's name, once it has one. */
  speaker(client: ClientId): Subject | undefined;
  /** Milliseconds since 1970. */
  now(): number;
  newUid(): string;
}

type Hello = Spoken & { readonly type: 'hello' };

/** One client: reads what it says, in order, and hands it to the registry; what it is told goes into its own queue. */
export class ChatClient {
  readonly writer: ChatWriter;
  readonly since = performance.now();
  account: ChatAccount | undefined;
  private readonly pace = new ChatClientPace();
  private state: 'new' | 'registering' | 'registered' | 'ended' = 'new';
  // What came while it is not decided who this is.
  private held: (() => void)[] = [];
  private hello: Hello | undefined;
  private attempt = 0;

  constructor(
    readonly id: ClientId,
    readonly wire: ChatWire,
    private readonly hub: ChatClientHost,
  ) {
    this.writer = new ChatWriter(wire, hub.flusher, () => hub.metrics.dropped('slow_reader'));
  }

  get isRegistered(): boolean {
    return this.state === 'registered';
  }

  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  /** Called for each thing that the client sends, before it is looked at; false when it is to be passed over. `idOf`: its id. */
  admit(idOf?: () => string | undefined): boolean {
    if (this.state === 'ended') return false;
    const now = performance.now();
    const pace = this.pace.take(now);
    if (pace === 'ok') return true;
    this.hub.metrics.dropped('too_fast');
    if (pace === 'close') detach(this.end('too_fast', 'You send too much'));
    else this.refuse('slow_down', 'Ten messages a second are as many as there may be', this.pace.waitMs(now), idOf?.());
    return false;
  }

  /** Runs `work` when it is known whether the client has a name: at once, unless that is just being decided. */
  inTurn(work: () => void): void {
    if (this.state === 'registering') this.held.push(work);
    else if (this.state !== 'ended') work();
  }

  handle(spoken: Spoken): void {
    const { id, hub } = this;
    switch (spoken.type) {
      case 'hello':
        this.greet(spoken);
        break;
      case 'say':
      case 'whisper':
        this.speak(spoken);
        break;
      case 'join':
        // A replay may be a thousand messages.
        if (spoken.afterSeq !== undefined) this.pace.charge(replayCost);
        hub.dispatch({ type: 'enter', client: id, ...rest(spoken) });
        break;
      case 'users':
        hub.dispatch({ type: 'users', client: id, after: spoken.after });
        break;
      case 'exit':
        detach(this.end('exit', 'Goodbye'));
        break;
    }
  }

  /** What the registry has for this client. */
  tell(told: Told, push = (frame: ChatFrame): void => this.push(frame)): void {
    if (this.state === 'registering' && told.type === 'error' && this.tryNextName(told)) return;
    push(new ChatFrame(told, this.state === 'registering'));
    if (this.state !== 'registering') {
      this.lost(told);
      return;
    }
    if (told.type === 'welcome') this.state = 'registered';
    else if (told.type === 'error') this.state = 'new';
    else return;
    const held = this.held;
    this.held = [];
    for (const work of held) this.inTurn(work);
  }

  /** How a room stands, and what was said there before. */
  replay(first: Told, frames: readonly ChatFrame[]): void {
    this.tell(first, (frame) => this.writer.replay([frame, ...frames]));
  }

  push(frame: ChatFrame): void {
    if (this.state !== 'ended' && this.wire.hears?.(frame) !== false) this.writer.push(frame);
  }

  refuse(code: string, message: string, retryAfterMs?: number, id?: string): void {
    this.push(new ChatFrame({ type: 'error', code, message, retryAfterMs, id }));
  }

  /** Says why, lets it read that for a second at most, and closes; resolves then. */
  async end(code: string, message: string): Promise<void> {
    if (this.state === 'ended') return;
    this.push(new ChatFrame({ type: 'bye', code, message }));
    this.state = 'ended';
    this.hub.metrics.ended(code);
    this.hub.leave(this);
    const over = guarded(() => {
      this.wire.destroy(code);
      this.writer.close();
    });
    const timer = setTimeout(over, flushMs).unref();
    await this.writer.flushed();
    clearTimeout(timer);
    this.writer.close();
    this.wire.end(code);
  }

  /** The connection is gone. */
  closed(): void {
    this.writer.close();
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.hub.leave(this);
  }

  private greet(hello: Hello): void {
    if (this.state !== 'new') {
      this.refuse('already_registered', 'This connection has a name already');
      return;
    }
    this.state = 'registering';
    this.hello = hello;
    this.attempt = 0;
    this.account = undefined;
    detach(this.identify(hello));
  }

  private async identify({ token, name }: Hello): Promise<void> {
    try {
      this.account = await this.hub.identity.ofToken(token);
      this.register(this.account ? chatNameOf(this.account, 0) : chatName(name ?? ''));
    } catch (error) {
      this.failed(toAppError(error));
    }
  }

  private register(name: ChatName | undefined): void {
    if (this.state !== 'registering' || !this.hello) return;
    const { room, afterSeq, epoch } = this.hello;
    if (!name) {
      this.tell({ type: 'error', code: 'username_invalid', message: nameRule });
      return;
    }
    const registration = { ...name, room, afterSeq, epoch, userId: this.account?.userId };
    this.hub.dispatch({ type: 'register', client: this.id, ...registration });
  }

  /** Two users, or two devices of one, may have the same name: the later one gets a number. */
  private tryNextName(told: Told): boolean {
    if (told.code !== 'username_taken' || !this.account || this.attempt >= nameAttempts) return false;
    this.attempt += 1;
    this.register(chatNameOf(this.account, this.attempt));
    return true;
  }

  /** A name that was granted can be taken back: another process has more right to it. */
  private lost(told: Told): void {
    if (this.state === 'registered' && told.type === 'error' && told.code === 'username_taken')
      detach(this.end('username_taken', 'Somebody else has this name, since the servers were cut off from each other'));
  }

  private speak(spoken: Spoken & { readonly type: 'say' | 'whisper' }): void {
    const { id, hub } = this;
    const speaker = hub.speaker(id);
    if (!speaker) {
      this.refuse('not_registered', 'Say hello first', undefined, spoken.id);
      return;
    }
    const mute = hub.mutes.of(speaker);
    if (mute) {
      hub.metrics.dropped('muted');
      const message = mutedUntil(toTime(mute.mutedUntil), mute.reason);
      this.refuse('muted', message, Math.max(1, mute.mutedUntil - hub.now()), spoken.id);
      return;
    }
    const { text, id: own } = spoken;
    const at = hub.now();
    if (spoken.type === 'say') {
      hub.metrics.said('message');
      hub.dispatch({ type: 'say', client: id, uid: hub.newUid(), text, at, id: own });
      return;
    }
    hub.metrics.said('whisper');
    const to = chatName(spoken.to)?.canonical ?? '';
    hub.dispatch({ type: 'whisper', client: id, to, text, at, id: own });
  }

  private failed({ code, message, kind, cause, details }: AppError): void {
    if (kind === 'internal') this.hub.logger.error({ err: cause }, 'chat_hello_failed');
    this.tell({ type: 'error', code, message, retryAfterMs: details.retryAfterMs });
  }
}

const nameRule = 'A name has 1-16 letters, digits, _ or - of one script, and is none of the server';

function rest({ room, afterSeq, epoch }: Spoken & { readonly type: 'join' }) {
  return { room, afterSeq, epoch };
}
