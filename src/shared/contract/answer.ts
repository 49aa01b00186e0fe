/** What an answer says beside its message. */
export interface AnswerInfo {
  /** The effect is an earlier request's: HTTP 200 and `Idempotent-Replayed: true`, gRPC trailer `idempotent-replayed`. */
  readonly replayed?: boolean;
  /** A replayed answer keeps the status that the first one had (Idempotency-Key). */
  readonly sameStatus?: boolean;
  /** Response headers (HTTP) and trailers (gRPC), lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
}

const infos = new WeakMap<object, AnswerInfo>();

/** Attaches `info` to this very answer object and returns it. Services use it, since they know no wire. */
export function withInfo<T extends object>(answer: T, info: AnswerInfo): T {
  infos.set(answer, { ...infos.get(answer), ...info });
  return answer;
}

export function infoOf(answer: unknown): AnswerInfo | undefined {
  return typeof answer === 'object' && answer !== null ? infos.get(answer) : undefined;
}
