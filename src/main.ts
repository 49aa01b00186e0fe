import { setFlagsFromString } from 'node:v8';
import { commandOf, obey } from './shared/commands/commands';
import { readEnvironment } from './shared/config/load-config';

// The files of this process (databases, keys) are its user's alone.
process.umask(0o077);
// Collect garbage when the heap has grown by 40 %, not when it has doubled: a third less memory at the same speed.
setFlagsFromString('--heap-growing-percent=40');
// V8 would make in the old generation for good what survived while the process started. There it dies at once, and keeps what it
// points to alive until a full collection: polls of a waiting room cost twice the CPU.
setFlagsFromString('--no-allocation-site-pretenuring');

void obey(commandOf(process.argv.slice(2)), readEnvironment(), {
  // Only where it is needed: a probe comes every few seconds.
  loadApp: () => import('./app.js'),
});
