import type { ProgressionApi } from '../features/progression/progression.api';
import type { Reward } from '../generated/aerie/progression/v1/progression';
import { factsOf } from '../shared/contract/answer';
import type { Paging, Session } from './command-line';
import { table, withMore } from './table';

const pageSize = 100;

export async function progress({ client, print }: Session, playerId: string): Promise<number> {
  const found = await client.progression.getProgress({ playerId });
  print(found, [
    `${found.playerId}: level ${found.level}, ${found.xp} XP (${found.xpForNextLevel} more for level ${found.level + 1})`,
    `${found.bossKills} boss kills, ${found.dropsClaimed} drops, updated ${found.updatedAt}`,
  ]);
  return 0;
}

export async function rewards({ client, print }: Session, playerId: string): Promise<number> {
  const found = await allRewards(client.progression, playerId);
  const columns = {
    reward: 'rewardId',
    kind: 'kind',
    status: 'status',
    earned: 'earnedAt',
    claimed: 'claimedAt',
  } as const;
  print({ rewards: found }, table(columns, found, 'No rewards yet.'));
  return 0;
}

/** Every page of a player's rewards, oldest first. */
export async function allRewards(api: ProgressionApi, playerId: string): Promise<Reward[]> {
  const found: Reward[] = [];
  let pageToken: string | undefined;
  do {
    const page = await api.listRewards({ playerId, pageSize, pageToken });
    found.push(...page.rewards);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

export async function claim({ client, print, say }: Session, playerId: string, rewardId: string): Promise<number> {
  const answer = await client.progression.claimReward({ playerId, rewardId });
  say(
    factsOf(answer).replayed ? `Claimed before, at ${answer.reward?.claimedAt}; its receipt:` : 'Claimed; its receipt:',
  );
  print(answer, [answer.receipt]);
  return 0;
}

/** 1 when the receipt is not genuine, so that a script can tell. */
export async function verify({ client, print }: Session, receipt: string): Promise<number> {
  const answer = await client.progression.verifyReward({ receipt });
  print(answer, [
    answer.valid ? `valid: ${answer.claims?.reward?.rewardId} of ${answer.claims?.sub}` : `invalid: ${answer.reason}`,
  ]);
  return answer.valid ? 0 : 1;
}

interface LetterOptions extends Paging {
  readonly redrive?: string;
  readonly consumer?: string;
}

export async function deadLetters({ client, print }: Session, options: LetterOptions): Promise<number> {
  const { redrive, consumer, limit, after: pageToken } = options;
  if (redrive !== undefined) {
    const letter = await client.events.redriveDeadLetter({ id: redrive });
    print(letter, [`Handed to ${letter.consumer} again: ${letter.eventId}`]);
    return 0;
  }
  const page = await client.events.listDeadLetters({ pageSize: limit, pageToken, consumer });
  const columns = { id: 'id', event: 'eventId', consumer: 'consumer', parked: 'parkedAt', reason: 'reason' } as const;
  print(page, withMore(table(columns, page.deadLetters, 'No dead letters.'), page.nextPageToken));
  return 0;
}
