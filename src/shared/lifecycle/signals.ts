import { guarded } from '../async/guarded';

// A terminal signals all of its processes and npm its child once more; so does who stops a whole group of processes.
const echoMs = 500;

/**
 * Calls `stop` once on SIGTERM or SIGINT and exits: 0 when it finished, 1 when it failed or took longer than
 * `hardMs`. A second signal exits at once; the same one within half a second is an echo of the first.
 */
export function stopOnSignal(stop: () => Promise<void>, hardMs: number, onError: (error: unknown) => void): void {
  let first: { readonly signal: string; readonly at: number } | undefined;
  const handle = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (first?.signal === signal && now - first.at < echoMs) return;
    if (first) process.exit(1);
    first = { signal, at: now };
    setTimeout(
      guarded(() => process.exit(1)),
      hardMs,
    ).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        onError(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', guarded(handle));
  process.on('SIGINT', guarded(handle));
}
