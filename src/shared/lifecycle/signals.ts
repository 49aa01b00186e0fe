import { guarded } from './guarded';

/**
 * Calls `stop` once on SIGTERM or SIGINT and exits: 0 when it finished, 1 when it failed or took longer than
 * `hardMs`. A second signal exits at once.
 */
export function stopOnSignal(stop: () => Promise<void>, hardMs: number, onError: (error: unknown) => void): void {
  let stopping = false;
  const handle = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
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
