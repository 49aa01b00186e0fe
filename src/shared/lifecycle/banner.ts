export interface BannerFacts {
  readonly host: string;
  readonly httpPort: number;
  readonly grpcPort: number | undefined;
  /** What features listen on beside. */
  readonly listeners: readonly (readonly [name: string, value: string])[];
  /** Without credentials. */
  readonly database: string;
}

/** The text that a person sees after `npm start`: where everything listens and what to try next. */
export function banner({ host, httpPort, grpcPort, listeners, database }: BannerFacts): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  const rows = [
    ['HTTP', `http://${shown}:${httpPort}`],
    ['gRPC', grpcPort === undefined ? 'off' : `${shown}:${grpcPort}`],
    ...listeners,
    ['API', `http://${shown}:${httpPort}/docs`],
    ['Database', database],
  ];
  const lines = rows.map(([name = '', value = '']) => `  ${name.padEnd(10)}${value}`);
  return `\n  Aerie is ready.\n\n${lines.join('\n')}\n\n  Next, in another terminal:  npm run demo\n  Stop with Ctrl-C.\n\n`;
}
