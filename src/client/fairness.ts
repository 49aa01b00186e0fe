import type { Command } from 'commander';
import { ulid } from 'ulid';
import type { Rule, Thresholds } from '../generated/aerie/fairness/v1/fairness';
import { validationFailed } from '../shared/errors/common.errors';
import { addPaging, type Paging, run, type Session, whole } from './command-line';
import { table, withMore } from './table';

const blockColumns = {
  player: 'playerId',
  by: 'rule',
  reason: 'reason',
  since: 'blockedAt',
  until: 'blockedUntil',
} as const;
const flagColumns = {
  id: 'id',
  player: 'playerId',
  rule: 'rule',
  observed: 'observed',
  threshold: 'threshold',
  event: 'eventId',
  verdict: 'verdict',
  found: 'createdAt',
} as const;
const maxSeconds = 2_592_000;
// Over gRPC a name that no field has would fall away unseen.
const thresholdNames = {
  ...{ maxEvents: true, maxStrikes: true, strikeWindowSeconds: true, blockSeconds: true },
  ...{ progressionPoints: true, bossKillPoints: true, dropClaimedPoints: true, minSamples: true, maxDeviations: true },
} as const satisfies Required<Record<keyof Thresholds, true>>;

/** `aerie flags ...`, `aerie blocks ...` and `aerie rules ...`: what operators of fairness do. */
export function addFairness(aerie: Command): void {
  addFlags(aerie.command('flags').description('what rules have found: list, review'));
  addBlocks(aerie.command('blocks').description('who may send no events: list, show, block, unblock'));
  addRules(aerie.command('rules').description('the rules of fairness: get, set'));
}

function addFlags(flags: Command): void {
  addPaging(flags.command('list').description('flags, newest first'))
    .option('--verdict <verdict>', 'only those that are open, confirmed, false_positive or dismissed')
    .option('--rule <rule>', 'only those of flood, jump or outlier')
    .option('--player <playerId>', 'only those of this player')
    .action(run(listFlags));
  flags
    .command('review <id> <verdict>')
    .description('say what a flag was worth: confirmed, false_positive or dismissed; it may be said again')
    .action(run(review));
}

function addBlocks(blocks: Command): void {
  addPaging(blocks.command('list').description('the blocks that hold now, by player id')).action(run(listBlocks));
  blocks
    .command('show <playerId>')
    .description("a player's block, strikes and number of flags")
    .action(run(showPlayer));
  blocks
    .command('block <playerId>')
    .description('refuse events of a player for some time, in place of any block there is')
    .requiredOption('--reason <text>', '1 to 200 characters; the game server is told it (required)')
    .option('--seconds <n>', `how long, 1 to ${maxSeconds}`, whole(1, maxSeconds), 600)
    .action(run(block));
  blocks.command('unblock <playerId>').description("end a player's block and forget the strikes").action(run(unblock));
}

function addRules(rules: Command): void {
  rules.command('get [id]').description('all rules, or flood, jump or outlier').action(run(getRules));
  rules
    .command('set <id>')
    .description('change a mode or thresholds, everywhere within a second or two')
    .option('--mode <mode>', 'off, shadow (counts what it would do) or enforce')
    .option('--threshold <name=value...>', 'such as maxEvents=20; may be said again')
    .option('--expected-version <n>', 'only while this is the version', whole(1, Number.MAX_SAFE_INTEGER))
    .action(run(setRule));
}

interface FlagOptions extends Paging {
  readonly verdict?: string;
  readonly rule?: string;
  readonly player?: string;
}

async function listFlags({ client, print }: Session, options: FlagOptions): Promise<number> {
  const { limit: pageSize, after: pageToken, verdict, rule, player: playerId } = options;
  const page = await client.fairness.listFlags({ pageSize, pageToken, verdict, rule, playerId });
  print(page, withMore(table(flagColumns, page.flags, 'No flags.'), page.nextPageToken));
  return 0;
}

async function review({ client, print }: Session, id: string, verdict: string): Promise<number> {
  const flag = await client.fairness.reviewFlag({ id, verdict });
  print(flag, table(flagColumns, [flag]));
  return 0;
}

async function listBlocks({ client, print }: Session, { limit: pageSize, after: pageToken }: Paging): Promise<number> {
  const page = await client.fairness.listBlocks({ pageSize, pageToken });
  print(page, withMore(table(blockColumns, page.blocks, 'Nobody is blocked.'), page.nextPageToken));
  return 0;
}

async function showPlayer({ client, print }: Session, playerId: string): Promise<number> {
  const found = await client.fairness.getPlayer({ playerId });
  const block = found.blocked ? `blocked until ${found.blockedUntil}: ${found.reason}` : 'not blocked';
  print(found, [`${playerId}: ${block}`, `${found.strikes} strikes, ${found.flags} flags`]);
  return 0;
}

/** Sent again when the answer is lost, which the key makes safe. */
async function block(
  { client, print }: Session,
  playerId: string,
  { seconds, reason }: { readonly seconds: number; readonly reason: string },
): Promise<number> {
  const meta = { idempotencyKey: `cli-${ulid()}` };
  const found = await client.fairness.blockPlayer({ playerId, seconds, reason }, meta);
  print(found, [`${playerId} is blocked until ${found.blockedUntil}`]);
  return 0;
}

async function unblock({ client, print }: Session, playerId: string): Promise<number> {
  const found = await client.fairness.unblockPlayer({ playerId });
  print(found, [`${playerId} is not blocked`]);
  return 0;
}

async function getRules({ client, print }: Session, id: string | undefined): Promise<number> {
  const { rules } = await client.fairness.listRules({});
  const found = id === undefined ? rules : rules.filter((rule) => rule.id === id);
  if (found.length === 0) throw validationFailed([{ field: 'id', message: 'must be flood, jump or outlier' }]);
  print({ rules: found }, ruleLines(found));
  return 0;
}

interface RuleOptions {
  readonly mode?: string;
  readonly threshold?: readonly string[];
  readonly expectedVersion?: number;
}

async function setRule({ client, print }: Session, id: string, options: RuleOptions): Promise<number> {
  const { mode, threshold = [], expectedVersion } = options;
  const thresholds = threshold.length === 0 ? undefined : thresholdsOf(threshold);
  const rule = await client.fairness.updateRule({ id, mode, thresholds, expectedVersion });
  print(rule, ruleLines([rule]));
  return 0;
}

/** `maxEvents=20`. Which of them a rule has, and from where to where, the server knows. */
function thresholdsOf(texts: readonly string[]): Thresholds {
  const pairs = texts.map((text) => {
    const [, name = '', value = ''] = /^([A-Za-z]{1,64})=(-?\d{1,15}(?:\.\d{1,6})?)$/.exec(text) ?? [];
    if (name === '')
      throw validationFailed([{ field: 'threshold', message: 'must be name=number, such as maxEvents=20' }]);
    if (!(name in thresholdNames))
      throw validationFailed([{ field: 'threshold', message: `must be of ${Object.keys(thresholdNames).join(', ')}` }]);
    return [name, Number(value)] as const;
  });
  return Object.fromEntries(pairs);
}

function ruleLines(rules: readonly Rule[]): string[] {
  const rows = rules.flatMap(({ id: rule, version, mode, thresholds }) =>
    Object.entries(thresholds ?? {}).map(([name, value]) => ({ rule, version, mode, name, value })),
  );
  return table({ rule: 'rule', version: 'version', mode: 'mode', threshold: 'name', is: 'value' }, rows);
}
