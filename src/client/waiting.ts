import type { Command } from 'commander';
import { run, type Session } from './command-line';
import { table } from './table';

/** `aerie queue ...` */
export function addWaiting(aerie: Command): void {
  const queue = aerie.command('queue').description('waiting rooms: join, status, enter, leave, stats, draw');
  queue.command('join <saleId>').description('join; prints the ticket, the same one each time').action(run(join));
  queue.command('status <ticket>').description('where in the line; whoever asks is present').action(run(status));
  queue
    .command('enter <ticket>')
    .description('enter once called; prints the grant for reserve --grant')
    .action(run(enter));
  queue.command('leave <ticket>').description('leave the line').action(run(leave));
  queue.command('stats <saleId>').description('how many wait, are called, hold and are done').action(run(stats));
  queue.command('draw <saleId>').description('the commitment; after the draw its seed').action(run(draw));
}

async function join({ client, print, say }: Session, saleId: string): Promise<number> {
  const joined = await client.queue.joinQueue({ saleId });
  say(`${joined.status}, ${joined.ahead} ahead; the ticket:`);
  print(joined, [joined.ticket]);
  return 0;
}

async function status({ client, print }: Session, ticket: string): Promise<number> {
  const found = await client.queue.getQueueStatus({ ticket });
  const { eta, ahead, pollAfterMs } = found;
  const known = eta?.known ? `, in ${eta.p50Seconds} to ${eta.p90Seconds} seconds` : '';
  print(found, [`${found.status}, ${ahead} ahead${known}; ask again in ${pollAfterMs} ms`]);
  return 0;
}

async function enter({ client, print, say }: Session, ticket: string): Promise<number> {
  const admitted = await client.queue.requestAdmission({ ticket });
  say(`To be used until ${admitted.expiresAt}; the grant:`);
  print(admitted, [admitted.grant]);
  return 0;
}

async function leave({ client, print }: Session, ticket: string): Promise<number> {
  const left = await client.queue.leaveQueue({ ticket });
  print(left, [left.status]);
  return 0;
}

async function stats({ client, print }: Session, saleId: string): Promise<number> {
  const found = await client.queue.getQueueStats({ saleId });
  const columns = {
    places: 'activePlaces',
    taken: 'taken',
    waiting: 'waiting',
    present: 'present',
    ready: 'ready',
    admitted: 'admitted',
    done: 'done',
    left: 'left',
    expired: 'expired',
  } as const;
  print(found, table(columns, [found]));
  return 0;
}

async function draw({ client, print }: Session, saleId: string): Promise<number> {
  const found = await client.queue.getDraw({ saleId });
  const seed = found.seed === undefined ? 'not drawn yet' : `seed ${found.seed}`;
  print(found, [`SHA-256 of the seed ${found.seedHash}`, seed]);
  return 0;
}
