/** The reason why the process does not start, in words for the person who starts it: printed as it is, without a stack. */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartError';
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process',
  EACCES: 'may not be opened by this user',
};

/** A listener's refusal, under the name of the variable that chose its port; any other error as it is. */
export function listenError(error: unknown, ports: Readonly<Record<string, number>>): unknown {
  // grpc-js passes on only the message: `listen EADDRINUSE: address already in use 127.0.0.1:9090`.
  const [, code = '', text] = /listen (\w+): .*:(\d+)/.exec((error as Error)?.message ?? '') ?? [];
  const reason = reasons[code];
  const variable = Object.entries(ports).find(([, port]) => port === Number(text))?.[0];
  if (reason === undefined || variable === undefined) return error;
  return new StartError(`Aerie cannot start: ${variable}: port ${text} ${reason}.`, error);
}
