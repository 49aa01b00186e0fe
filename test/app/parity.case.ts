import type { AnyContract } from '../../src/shared/contract/contract';

/** One request that both wires must answer alike. `w`: a prefix of the wire's own for players and ids. */
export interface Case {
  readonly name: string;
  readonly contract: AnyContract;
  readonly method: string;
  /** Sent before, on the same wire. */
  readonly before?: (w: string) => object[];
  readonly message: (w: string) => object;
  readonly code: string;
  readonly field?: string;
  readonly headers?: Record<string, string>;
}
