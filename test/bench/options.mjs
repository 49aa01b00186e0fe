// The command line of the bench.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const help = `npm run bench -- [scenario...] [options]     Load from a second process on the built application, on this machine.

  --only <scenario,...>   single, unary, stream, batch-kind, batch-rewards, reads, drain, start, paced-500, paced-5000,
                          fairness; without it all of these, in this order. Only when asked for: chat (thousands of
                          clients in one room, beside a bare server of lines), ticketing (ticketing-polls, -joins, -holds, and a -drop at 10,000 people), leaderboards (in SQLite), sizing (what one core carries, and what an event takes on the disk), tracing (one of a hundred traces recorded, beside none), migrate (the schema changes under a million rows, on a database server), and those of several processes, on a database server and a throw-away Redis:
                          split (one process and six), redis (with and without), buses (accepted -> visible over each
                          that can be started here), wires (gRPC and HTTP between two processes)
  --paced <rate,...>      only paced runs of so many events a second, each on a process that has just started; their
                          latencies count from when a request was due
  --database <kind>       sqlite (the default), postgres (the default of split, redis, buses and wires) or mariadb: a
                          throw-away server as the tests start one; or the URL of a running server in which databases
                          may be made
  --against <dist>        compares with another build, in turn in the same run: the dist folder of a second checkout
  --rounds <n>            how often each is measured; medians are printed (5)
  --seconds <n>           how long each measurement takes (3 to 10, by scenario)
  --connections <n>       HTTP connections and unanswered gRPC calls of single events and reads (64)
  --quick                 one round of a second each: shows that it works, not how fast
  --json <file>           keeps all figures of all rounds, with versions, machine, commit and how busy the machine was
  --profile <folder>      writes CPU profiles of the application into it, for Chrome's developer tools
  --help                  this

Ratios come first: they compare what ran in turn in one run, and hold where absolute figures do not. On a machine that
is not idle the bench measures, says so, and draws no conclusions. Exit 1: an event was lost or an answer was 5xx.`;

const flags = {
  only: { type: 'string' },
  paced: { type: 'string' },
  database: { type: 'string' },
  against: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  connections: { type: 'string', default: '64' },
  quick: { type: 'boolean' },
  json: { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
};

/** A mistake of the caller, which is told without a stack. */
export class UsageError extends Error {}

/** `names`: the scenarios that there are; `onServer`: those that need a database server. @throws UsageError */
export function optionsOf(args, names, onServer = []) {
  const given = parsed(args);
  if (given.help) return { help: true };
  const only = given.named.length > 0 ? given.named : given.only?.split(',');
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no scenario ${unknown}; there are ${names.join(', ')}`);
  return {
    only,
    paced: given.paced?.split(',').map((rate) => number('--paced', rate, 1)),
    database: databaseOf(given.database ?? (only?.every((name) => onServer.includes(name)) ? 'postgres' : 'sqlite')),
    against: given.against === undefined ? undefined : distOf(given.against),
    rounds: given.rounds === undefined ? (given.quick ? 1 : 5) : number('--rounds', given.rounds, 1),
    seconds: given.seconds === undefined ? (given.quick ? 1 : undefined) : number('--seconds', given.seconds, 1),
    connections: number('--connections', given.connections, 1),
    quick: given.quick ?? false,
    json: given.json === undefined ? undefined : resolve(given.json),
    profile: given.profile === undefined ? undefined : resolve(given.profile),
  };
}

function parsed(args) {
  try {
    const { values, positionals } = parseArgs({ args, options: flags, allowPositionals: true });
    return { ...values, named: positionals };
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function number(name, text, least) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new UsageError(`${name} must be a whole number from ${least}`);
  return value;
}

function databaseOf(text) {
  if (['sqlite', 'postgres', 'mariadb'].includes(text) || /^(postgres(ql)?|mysql|mariadb):\/\//.test(text)) return text;
  throw new UsageError('--database must be sqlite, postgres, mariadb, or the URL of a server');
}

function distOf(path) {
  const dist = resolve(path);
  if (!existsSync(join(dist, 'main.js'))) throw new UsageError(`${path} has no main.js: --against wants a dist folder`);
  return dist;
}
