import { Worker } from 'node:worker_threads';
import { guarded } from '../async/guarded';
import { within } from '../async/within';
import { unavailable } from '../errors/common.errors';
import type { Value } from './sql';
import { sqliteDriver } from './sqlite.driver';
import { type Engine, SqliteEngine } from './sqlite.engine';
import { bind, rowsIn } from './sqlite.values';

const maxWaiting = 1000;

interface Access {
  readonly readonly: boolean;
  /** Milliseconds that a statement waits for others' locks. */
  readonly busyMs: number;
  /** Makes the file if it is not there. */
  readonly create?: boolean;
  readonly pragmas?: readonly string[];
  /** Milliseconds without a question after which it ends, since a thread has memory of its own. Without it, it stays. */
  readonly idleMs?: number;
}

interface Question {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code?: string };
}

/**
 * Runs statements on a SQLite file on a thread of its own, one after another: what takes long, or waits for the disk,
 * would hold up everything else here.
 */
export class SqliteThread {
  private worker: Worker | undefined;
  private readonly open = new Map<number, Question>();
  private whenQuiet: (() => void)[] = [];
  private next = 0;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly path: string,
    private readonly access: Access,
  ) {}

  /** One statement, which sees what was committed when it began. Rejects as `ask` does. */
  async rows<T>(text: string, params: readonly Value[], limitMs: number): Promise<T[]> {
    return rowsIn<T>(await this.ask(this.started(), 'rows', [text, params.map(bind)], limitMs));
  }

  /**
   * Its engine, for one who has it alone; each answer comes within `limitMs` or is given up. Once this thread has ended it
   * is unavailable: on the next one a transaction that had begun would go on without one.
   */
  engine(limitMs: number): Engine {
    const worker = this.started();
    const by =
      <Method extends keyof SqliteEngine>(method: Method) =>
      (...args: Parameters<SqliteEngine[Method]>) =>
        this.ask(worker, method, args, limitMs);
    return {
      rows: by('rows'),
      run: by('run'),
      query: by('query'),
      each: by('each'),
      eachBack: by('eachBack'),
      append: by('append'),
      begin: by('begin'),
      rollback: by('rollback'),
      foreignKeys: by('foreignKeys'),
      changes: by('changes'),
      forget: by('forget'),
      close: by('close'),
    };
  }

  /** Nothing is under way, not even what its caller has given up. */
  get quiet(): boolean {
    return this.open.size === 0;
  }

  /** Resolves once it is quiet. */
  async untilQuiet(): Promise<void> {
    if (!this.quiet) await new Promise<void>((resolve) => this.whenQuiet.push(resolve));
  }

  /** The next question opens it again. */
  async close(): Promise<void> {
    clearTimeout(this.idle);
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  /** Rejects with the driver's error; with `unavailable` when the thread ends or too many wait for it; with TimeLimitError. */
  private ask<Method extends keyof SqliteEngine>(
    worker: Worker,
    method: Method,
    args: Parameters<SqliteEngine[Method]>,
    limitMs: number,
  ): Promise<ReturnType<SqliteEngine[Method]>> {
    if (this.open.size >= maxWaiting)
      return Promise.reject(unavailable(new Error(`${maxWaiting} callers wait for the database's thread`)));
    if (worker !== this.worker) return Promise.reject(unavailable(new Error("The database's thread has ended")));
    clearTimeout(this.idle);
    if (this.quiet) worker.ref();
    const id = this.next;
    this.next += 1;
    const asked = new Promise<unknown>((resolve, reject) => this.open.set(id, { resolve, reject }));
    worker.postMessage({ id, method, args });
    return within(asked as Promise<ReturnType<SqliteEngine[Method]>>, limitMs);
  }

  private started(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(`(${serve.toString()})(${SqliteEngine.toString()})`, {
      eval: true,
      workerData: { path: this.path, ...this.access, driver: require.resolve(sqliteDriver) },
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
    this.worker = worker;
    return worker;
  }

  private answered({ id, value, error }: Answer): void {
    const question = this.open.get(id);
    this.open.delete(id);
    if (this.quiet) this.rest();
    if (error === undefined) question?.resolve(value);
    else
      question?.reject(Object.assign(new Error(error.message), error.code === undefined ? {} : { code: error.code }));
  }

  /** Those who wait have their error; the next one starts another thread. */
  private ended(worker: Worker, error: Error): void {
    // After `close` there may be another one, with questions of its own.
    if (this.worker !== undefined && this.worker !== worker) return;
    this.worker = undefined;
    const questions = [...this.open.values()];
    this.open.clear();
    this.rest();
    for (const { reject } of questions) reject(unavailable(error));
  }

  private rest(): void {
    this.worker?.unref();
    const { idleMs } = this.access;
    const close = guarded(() => this.close());
    if (idleMs !== undefined && this.worker) this.idle = setTimeout(close, idleMs).unref();
    for (const resolve of this.whenQuiet.splice(0)) resolve();
  }
}

/** The thread. It stands alone, as the engine does. */
function serve(Engine: typeof SqliteEngine): void {
  const { parentPort, workerData } = require('node:worker_threads') as typeof import('node:worker_threads');
  type Data = { path: string; driver: string; readonly: boolean; busyMs: number; create?: boolean; pragmas?: string[] };
  const { path, driver, readonly, busyMs, create, pragmas } = workerData as Data;
  const Database = require(driver) as typeof import('better-sqlite3');
  const database = new Database(path, { readonly, fileMustExist: create !== true, timeout: busyMs });
  for (const pragma of pragmas ?? []) database.pragma(pragma);
  const engine = new Engine(database, 500);
  parentPort?.on('message', ({ id, method, args }: { id: number; method: keyof SqliteEngine; args: never[] }) => {
    try {
      const value = (engine[method] as (...args: never[]) => unknown)(...args);
      parentPort?.postMessage({ id, value });
    } catch (error) {
      // An error that is sent as such arrives without its code.
      const { message, code } = error as Error & { code?: string };
      parentPort?.postMessage({ id, error: { message: String(message), ...(code ? { code } : {}) } });
    }
  });
}
