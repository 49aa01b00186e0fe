// For NODE_OPTIONS=--require of an application under test: what pauses for half a minute or longer pauses for a sixtieth of it,
// so that what runs every five minutes runs every five seconds.
const timers = require('node:timers/promises');

const longMs = 30_000;
const { setTimeout: sleep } = timers;
timers.setTimeout = (ms, ...rest) => sleep(ms >= longMs ? ms / 60 : ms, ...rest);
