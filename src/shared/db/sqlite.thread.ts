import { Worker } from 'node:worker_threads';
import { guarded } from '../async/guarded';
import { within } from '../async/within';
import { unavailable } from '../errors/common.errors';
import type { Value } from './sql';
import { bind, checkRow } from './sqlite.statements';

const maxWaiting = 1000;
// A thread has memory of its own.
const idleMs = 10_000;

interface Question {
  readonly resolve: (rows: unknown[]) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly id: number;
  readonly rows?: Record<string, unknown>[];
  readonly error?: { readonly message: string; readonly code?: string };
}

/**
 * Runs statements on a SQLite file on a thread of its own, one after another: what goes through a million rows would
 * hold up everything else here. Each statement sees what was committed when it began.
 */
export class SqliteThread {
  private worker: Worker | undefined;
  private readonly open = new Map<number, Question>();
  private next = 0;
  private idle: NodeJS.Timeout | undefined;

  /** `busyMs`: how long a statement waits for others' locks. */
  constructor(
    private readonly path: string,
    private readonly access: { readonly readonly: boolean; readonly busyMs: number },
  ) {}

  /** Rejects with `unavailable` when there is no answer in time, or too many wait for one. */
  async rows<T>(text: string, params: readonly Value[], limitMs: number): Promise<T[]> {
    if (this.open.size >= maxWaiting)
      throw unavailable(new Error(`${maxWaiting} callers wait for the database's thread`));
    clearTimeout(this.idle);
    const id = this.next;
    this.next += 1;
    const asked = new Promise<unknown[]>((resolve, reject) => {
      this.open.set(id, { resolve, reject });
      this.started().postMessage({ id, text, params: params.map(bind) });
    });
    try {
      return (await within(asked, limitMs)) as T[];
    } finally {
      this.open.delete(id);
      if (this.open.size === 0)
        this.idle = setTimeout(
          guarded(() => this.close()),
          idleMs,
        ).unref();
    }
  }

  /** The next question opens it again. */
  async close(): Promise<void> {
    clearTimeout(this.idle);
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  private started(): Worker {
    if (this.worker) return this.worker;
    // From text, so that it runs alike from source and compiled.
    const worker = new Worker(`(${serve.toString()})()`, {
      eval: true,
      workerData: { path: this.path, ...this.access, driver: require.resolve('better-sqlite3') },
    });
    worker.on(
      'message',
      guarded((answer: Answer) => this.answered(answer)),
    );
    worker.on(
      'error',
      guarded((error: Error) => this.ended(worker, error)),
    );
    worker.on(
      'exit',
      guarded(() => this.ended(worker, new Error("The database's thread has ended"))),
    );
    worker.unref();
    this.worker = worker;
    return worker;
  }

  private answered({ id, rows, error }: Answer): void {
    const question = this.open.get(id);
    if (error !== undefined)
      question?.reject(Object.assign(new Error(error.message), error.code === undefined ? {} : { code: error.code }));
    else question?.resolve((rows ?? []).map(checkRow));
  }

  /** Those who wait have their error; the next one starts another thread. */
  private ended(worker: Worker, error: Error): void {
    // After `close` there may be another one, with questions of its own.
    if (this.worker !== undefined && this.worker !== worker) return;
    this.worker = undefined;
    for (const { reject } of this.open.values()) reject(unavailable(error));
  }
}

/** The thread. It stands alone: nothing around it can be used in here. */
function serve(): void {
  const { parentPort, workerData } = require('node:worker_threads') as typeof import('node:worker_threads');
  type Data = { path: string; driver: string; readonly: boolean; busyMs: number };
  const { path, driver, readonly, busyMs } = workerData as Data;
  const Database = require(driver) as typeof import('better-sqlite3');
  const database = new Database(path, { readonly, fileMustExist: true, timeout: busyMs });
  const prepared = new Map<string, import('better-sqlite3').Statement<unknown[]>>();
  parentPort?.on('message', ({ id, text, params }: { id: number; text: string; params: unknown[] }) => {
    try {
      const statement = prepared.get(text) ?? database.prepare<unknown[]>(text);
      if (prepared.size < 100) prepared.set(text, statement);
      parentPort?.postMessage({ id, rows: statement.all(...params) });
    } catch (error) {
      // An error that is sent as such arrives without its code.
      const { message, code } = error as Error & { code?: string };
      parentPort?.postMessage({ id, error: { message: String(message), ...(code ? { code } : {}) } });
    }
  });
}
