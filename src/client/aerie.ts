#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { leaderboard } from './boards';
import { chat } from './chat';
import { addPaging, run, url, usageError, whole } from './command-line';
import { claim, deadLetters, progress, rewards, verify } from './commands';
import { demo } from './demo';
import { drop } from './drop';
import { addFairness } from './fairness';
import { addPeople } from './people';
import { addSales } from './sales';
import { send } from './send';
import { developmentSecret } from './signer';
import { stats } from './stats';
import { status } from './status';
import { addWaiting } from './waiting';

function program(): Command {
  const aerie = new Command('aerie')
    .description('Users and tokens, game events, progress, rewards, leaderboards, sales and tickets of Aerie.')
    .option(
      '--url <url>',
      'where Aerie listens, over HTTP or gRPC (grpc://127.0.0.1:9090)',
      url,
      'http://127.0.0.1:8080',
    )
    .addOption(
      new Option('--secret <secret>', 'the HMAC secret that signs events, or @file to read it from')
        .env('AERIE_SECRET')
        .default(developmentSecret),
    )
    .option('--key-id <id>', 'the id of that secret', 'default')
    .addOption(new Option('--token <token>', 'bearer secret or token, or @file to read it from').env('AERIE_TOKEN'))
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0; 1 when it was not done; 2 when it cannot be done as it was typed.')
    .showHelpAfterError('(aerie --help tells more)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  // Subcommands copy the settings above, so they come last.
  addCommands(aerie);
  addPeople(aerie);
  addFairness(aerie);
  addSales(aerie);
  addWaiting(aerie);
  return aerie;
}

function addCommands(aerie: Command): void {
  const command = (usage: string, description: string): Command => aerie.command(usage).description(description);
  command('send <file>', 'send events from a file: one JSON object a line, or an array; - reads standard input').action(
    run(send),
  );
  command('progress <playerId>', "a player's XP and level").action(run(progress));
  command('rewards <playerId>', 'what a player has earned').action(run(rewards));
  command('claim <playerId> <rewardId>', 'claim a reward; prints its receipt, the same one each time').action(
    run(claim),
  );
  command('verify <receipt>', 'whether a receipt is genuine').action(run(verify));
  command('leaderboard', 'the board of a day, a week or a season')
    .option('--window <window>', 'daily, weekly or seasonal', 'weekly')
    .option('--key <key>', 'which one, such as 2026-11-21, 2026-W47, 2026-Q4 or a season; unset: the current one')
    .option('--limit <n>', 'how many players, 1 to 100', whole(1, 100), 10)
    .addOption(
      new Option('--around <playerId>', "a player's rank and neighbours instead of the top").conflicts([
        'limit',
        'watch',
      ]),
    )
    .option('--watch', 'print the board again whenever it changes')
    .action(run(leaderboard));
  addPaging(command('dead-letters', 'events and announcements that a consumer gave up, oldest first'), 100)
    .option('--consumer <name>', 'only those of this consumer')
    .option('--redrive <id>', 'hand this one to its consumer again')
    .action(run(deadLetters));
  command(
    'status',
    'which process runs what, its version, lag and breakers, as the server knows them; exit code 1 unless all is well',
  ).action(run(status));
  command('stats', 'what the process that is asked has counted since it began').action(run(stats));
  command('chat', 'talk with others: lines from the terminal or a pipe; /help there tells more')
    .option('--name <name>', 'how you are called: 1 to 16 letters, digits, _ or -; with --token your account is')
    .option('--room <room>', 'which room to enter', 'lobby')
    .action(run(chat));
  const shows = command('demo', 'send the sample events and show what becomes of them')
    .option('--fresh', 'as new events, also when they were sent before today')
    .action(run(demo));
  shows
    .command('drop')
    .description(
      'a launch on a server of its own: people wait, are drawn, buy and vanish; then the audits and the draw',
    )
    .option('--people <n>', 'how many, 10 to 10000', whole(10, 10_000), 300)
    .action(run(drop));
}

async function main(): Promise<void> {
  try {
    await program().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed it; 0 after --help.
    process.exitCode = error.exitCode === 0 ? 0 : usageError;
  }
}

void main();
