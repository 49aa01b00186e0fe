import { request } from 'undici';
import { eventually } from './eventually';
import type { DatabaseServer } from './servers';
import { environmentOf, type Placed, placedFreely, sharedEnvironment } from './split';
import { openApp, type TestApp } from './wires';

/** A part that runs in the tests' own process, and can be closed and opened again at its address. */
export interface OpenPart {
  readonly name: string;
  readonly placed: Placed;
  app: TestApp;
  /** Closes it; closing twice does nothing. */
  close(): Promise<void>;
  /** Again, with further variables. */
  open(more?: Record<string, string>): Promise<void>;
}

/** A split system in the tests' own process. */
export interface OpenSplit extends AsyncDisposable {
  readonly parts: readonly OpenPart[];
  /** The apps of a part, in order. */
  of(name: string): TestApp[];
  readonly secret: string;
}

/** `counts`: how often each part runs. The system's databases are the caller's. */
export async function openSplit(
  { databaseUrl, redis }: { readonly databaseUrl: string; readonly redis: DatabaseServer },
  counts: Readonly<Record<string, number>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<OpenSplit> {
  const placed = await placedFreely(counts);
  const shared = { ...sharedEnvironment(databaseUrl, redis.url), ...environment };
  const parts: OpenPart[] = [];
  for (const one of placed) parts.push(await openPart(one, { ...shared, ...environmentOf(one, placed) }, databaseUrl));
  // Whoever was started first has not found the others yet.
  for (const { app } of parts) await eventually(async () => expect(await unwell(app)).toEqual([]));
  return {
    parts,
    of: (name) => parts.filter((part) => part.name === name).map(({ app }) => app),
    secret: shared.INTERNAL_API_SECRET ?? '',
    [Symbol.asyncDispose]: async () => {
      for (const part of parts) await part.close();
    },
  };
}

async function unwell(app: TestApp): Promise<string[]> {
  const { body } = await request(`${app.url}/health/ready`);
  const { checks } = (await body.json()) as { readonly checks: Readonly<Record<string, { readonly status: string }>> };
  return Object.keys(checks).filter((name) => checks[name]?.status !== 'healthy');
}

async function openPart(placed: Placed, environment: Record<string, string>, databaseUrl: string): Promise<OpenPart> {
  let isOpen = true;
  const part: OpenPart = {
    name: placed.name,
    placed,
    app: await openApp(databaseUrl, environment),
    close: async () => {
      if (isOpen) await part.app[Symbol.asyncDispose]();
      isOpen = false;
    },
    open: async (more = {}) => {
      part.app = await openApp(databaseUrl, { ...environment, ...more });
      isOpen = true;
    },
  };
  return part;
}
