import { createHash } from 'node:crypto';
import type { RedisClient } from './redis.client';

const ofCluster = 16;

/** Spreads names over the servers of a cluster: keys with the hash tag of one bucket are on one server, for one script. */
export class RedisBuckets {
  private readonly count: number;

  constructor(client: RedisClient) {
    this.count = client.isCluster ? ofCluster : 1;
  }

  of(name: string): number {
    return this.count === 1 ? 0 : (createHash('sha1').update(name).digest()[0] ?? 0) % this.count;
  }

  /** Runs `work` for the items of each bucket, and answers in the order of all. `work` answers in the order of its own. */
  async spread<Item, Answer>(
    items: readonly Item[],
    nameOf: (item: Item) => string,
    work: (group: readonly Item[]) => Promise<readonly Answer[]>,
  ): Promise<readonly Answer[]> {
    if (this.count === 1) return work(items);
    const places = new Map<number, number[]>();
    for (const [i, item] of items.entries()) {
      const bucket = this.of(nameOf(item));
      const group = places.get(bucket) ?? [];
      places.set(bucket, group);
      group.push(i);
    }
    const answers = new Array<Answer>(items.length);
    const put = async (group: readonly number[]): Promise<void> => {
      const found = await work(group.map((i) => items[i] as Item));
      for (const [i, place] of group.entries()) answers[place] = found[i] as Answer;
    };
    await Promise.all([...places.values()].map(put));
    return answers;
  }
}
