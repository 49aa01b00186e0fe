import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import { AppError } from '../errors/app-error';
import { unavailable } from '../errors/common.errors';
import type { Send } from './remote';

const failures = 5;
const probeMs = 1000;
// A process that is started again is there in a few seconds; one that is gone for long is asked seldom.
const restsMs = [1000, 2000, 4000, 8000, 16_000, 30_000];

/** `closed`: calls go there. `open`: it has failed too often and is left alone. `half-open`: one call tries it. */
export type EndpointState = 'closed' | 'half-open' | 'open';

const states: Readonly<Record<CircuitState, EndpointState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

/** What is at an address is not what should be there: only a call that succeeds says that this was mended. */
export class MisplacedError extends Error {}

/** How an address is reached. */
export interface Wire {
  readonly send: Send;
  /** Resolves when somebody answers, whatever he answers. */
  readonly probe: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
  /** True while nobody is there to connect to. */
  readonly gone: () => boolean;
}

/** One address of a feature, behind a breaker: five failures in a row, and it rests for a second, and longer each time, up to 30. */
export class Endpoint {
  private readonly breaker = circuitBreaker(handleWhen(isSilence), {
    // How long it rests is known here.
    halfOpenAfter: 1,
    breaker: new ConsecutiveBreaker(failures),
  });
  private restsUntil = 0;
  private rests = 0;
  private wasGone = false;
  private isMisplaced = false;

  /** `changed` is told whenever the state is another. */
  constructor(
    readonly address: string,
    private readonly wire: Wire,
    changed: (state: EndpointState) => void,
  ) {
    this.breaker.onStateChange((state) => {
      if (state === CircuitState.Closed) this.rests = 0;
      if (state === CircuitState.Open) {
        this.restsUntil = performance.now() + (restsMs[Math.min(this.rests, restsMs.length - 1)] ?? 0);
        this.rests += 1;
        this.wasGone = this.wire.gone();
      }
      changed(states[state]);
    });
  }

  /** `open`, too, while nobody is there: calls go elsewhere, if there is another address. */
  get state(): EndpointState {
    return this.wire.gone() ? 'open' : this.circuit;
  }

  private get circuit(): EndpointState {
    return states[this.breaker.state];
  }

  /** False while it rests, and while another call tries it. A process that was gone and is back need not rest any longer. */
  get usable(): boolean {
    if (this.circuit !== 'open') return this.circuit === 'closed';
    const isGone = this.wire.gone();
    if (this.wasGone && !isGone) return true;
    this.wasGone ||= isGone;
    return performance.now() >= this.restsUntil;
  }

  /** True when calls had better go elsewhere: nobody is there. */
  get missing(): boolean {
    return this.wire.gone();
  }

  /** As `Send`. @throws AppError unavailable at once while it rests */
  send: Send = async (...call) => {
    if (!this.usable) throw resting(this.address);
    try {
      const answer = await this.breaker.execute(() => this.wire.send(...call));
      this.isMisplaced = false;
      return answer;
    } catch (error) {
      if (error instanceof AppError) this.isMisplaced = error.cause instanceof MisplacedError;
      throw isBrokenCircuitError(error) ? resting(this.address) : error;
    }
  };

  /** Asks whether somebody is there again, where nobody calls who would find out. */
  look(): void {
    if (this.circuit !== 'open' || this.wire.gone() || !this.usable || this.isMisplaced) return;
    // What became of it the breaker knows.
    this.breaker.execute(() => this.wire.probe(probeMs)).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.wire.close();
  }
}

function resting(address: string): AppError {
  return unavailable(new Error(`${address} did not answer ${failures} times in a row and is left alone for a while`));
}

/** Nobody has answered, in contrast to a server that says no: that one is alive. */
export function isSilence(error: unknown): boolean {
  return (
    error instanceof AppError &&
    (error.kind === 'deadline' || error.kind === 'unavailable') &&
    error.cause !== undefined
  );
}
