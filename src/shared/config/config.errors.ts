/** One variable that cannot be used, and why. The reason never repeats the value. */
export interface BadVariable {
  readonly name: string;
  readonly reason: string;
}

/** The environment cannot be used. The message names every bad variable and shows no value. */
export class ConfigError extends Error {
  constructor(readonly variables: readonly BadVariable[]) {
    const lines = variables.map(({ name, reason }) => `  ${name}: ${reason}`);
    super(`The configuration cannot be used:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
  }
}
