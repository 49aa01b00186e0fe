// The system as several processes, watched as if it were one: asked at its gateway, with what all of them cost together and
// what those with consumers tell.
import { support } from '../support/typescript.mjs';
import { Consuming, Server } from './server.mjs';

const consumers = ['progression', 'leaderboard'];

export class System extends Consuming {
  /** The parts of `npm run start:split`, on free ports. `env` has DATABASE_URL and REDIS_URL, and wins over what they share. */
  static async start(script, env, cwd, nodeOptions) {
    const { environmentOf, placedFreely, sharedEnvironment } = support('split');
    const began = performance.now();
    const placed = await placedFreely();
    const shared = { ...sharedEnvironment(env.DATABASE_URL, env.REDIS_URL), ...env };
    const start = (part) => Server.start(script, { ...shared, ...environmentOf(part, placed) }, cwd, nodeOptions);
    const servers = await Promise.all(placed.map(start));
    const system = new System(new Map(placed.map(({ name }, index) => [name, servers[index]])));
    // Those that were ready first have asked others before these were there, and may leave them alone for a while.
    await system.healthy();
    system.startedMs = performance.now() - began;
    return system;
  }

  constructor(parts) {
    super();
    this.parts = parts;
    const { url, grpcAddress } = parts.get('gateway');
    this.url = url;
    this.urls = new Map([...parts].map(([name, server]) => [name, server.url]));
    this.grpcAddress = grpcAddress;
  }

  get #servers() {
    return [...this.parts.values()];
  }

  cpuSeconds() {
    return sum(this.#servers.map((server) => server.cpuSeconds()));
  }

  /** The most memory of each since the last call, in MB: not all of them had it at one moment. */
  takePeakMb() {
    return sum(this.#servers.map((server) => server.takePeakMb()));
  }

  memoryMb() {
    return sum(this.#servers.map((server) => server.memoryMb()));
  }

  /** What the processes with consumers tell, one after another. */
  async metrics() {
    const texts = await Promise.all(consumers.map((name) => this.parts.get(name).metrics()));
    return texts.join('\n');
  }

  rest() {
    for (const server of this.#servers) server.rest();
  }

  wake() {
    for (const server of this.#servers) server.wake();
  }

  /** SIGTERM to all at once; resolves with the worst exit code and the milliseconds until the last has ended. */
  async stop() {
    const ended = await Promise.all(this.#servers.map((server) => server.stop()));
    return { code: ended.find(({ code }) => code !== 0)?.code ?? 0, ms: Math.max(...ended.map(({ ms }) => ms)) };
  }
}

function sum(numbers) {
  return numbers.reduce((all, number) => all + number, 0);
}
