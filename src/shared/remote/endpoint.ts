import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import { AppError } from '../errors/app-error';
import { unavailable } from '../errors/common.errors';
import type { Send } from './remote';

const failures = 5;
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

  /** `changed` is told whenever the state is another; `gone` says that nobody is there to connect to. */
  constructor(
    readonly address: string,
    private readonly wire: Send,
    private readonly shut: () => Promise<void>,
    changed: (state: EndpointState) => void,
    private readonly gone: () => boolean,
  ) {
    this.breaker.onStateChange((state) => {
      if (state === CircuitState.Closed) this.rests = 0;
      if (state === CircuitState.Open) {
        this.restsUntil = performance.now() + (restsMs[Math.min(this.rests, restsMs.length - 1)] ?? 0);
        this.rests += 1;
        this.wasGone = this.gone();
      }
      changed(states[state]);
    });
  }

  /** `open`, too, while nobody is there: calls go elsewhere, if there is another address. */
  get state(): EndpointState {
    return this.gone() ? 'open' : this.circuit;
  }

  private get circuit(): EndpointState {
    return states[this.breaker.state];
  }

  /** False while it rests, and while another call tries it. A process that was gone and is back need not rest any longer. */
  get usable(): boolean {
    if (this.circuit !== 'open') return this.circuit === 'closed';
    const isGone = this.gone();
    if (this.wasGone && !isGone) return true;
    this.wasGone ||= isGone;
    return performance.now() >= this.restsUntil;
  }

  /** True when calls had better go elsewhere: nobody is there. */
  get missing(): boolean {
    return this.gone();
  }

  /** As `Send`. @throws AppError unavailable at once while it rests */
  send: Send = async (...call) => {
    if (!this.usable) throw resting(this.address);
    try {
      return await this.breaker.execute(() => this.wire(...call));
    } catch (error) {
      throw isBrokenCircuitError(error) ? resting(this.address) : error;
    }
  };

  close(): Promise<void> {
    return this.shut();
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
