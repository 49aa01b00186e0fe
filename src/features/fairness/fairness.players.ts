import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type {
  Block,
  BlockPlayerRequest,
  FairnessPlayer,
  ListBlocksRequest,
  ListBlocksResponse,
} from '../../generated/aerie/fairness/v1/fairness';
import { Clock } from '../../shared/clock/clock';
import { toTime } from '../../shared/clock/time';
import { type Answer, answer } from '../../shared/contract/answer';
import type { CallMeta } from '../../shared/contract/contract';
import { PageTokens } from '../../shared/contract/page-token';
import { playerId as playerIdSchema } from '../../shared/contract/schemas';
import { Blocklist } from './fairness.blocklist';
import { BlocksRepository } from './fairness.blocks.repository';
import { blockOf, type Block as StoredBlock } from './fairness.findings';
import { FlagsRepository } from './fairness.flags.repository';
import { Judge } from './fairness.judge';

const maxCounted = 10_000;

/** What operators see of a player, and do about it. */
@Injectable()
export class Players {
  private readonly tokens;

  constructor(
    private readonly blocks: BlocksRepository,
    private readonly flags: FlagsRepository,
    private readonly blocklist: Blocklist,
    private readonly judge: Judge,
    private readonly clock: Clock,
    pageTokens: PageTokens,
  ) {
    this.tokens = pageTokens.of('fairness-blocks', z.tuple([playerIdSchema]));
  }

  /** A player of whom nothing is known has zeros. */
  async player(playerId: string): Promise<FairnessPlayer> {
    const [[stored], flags] = await Promise.all([this.blocks.of([playerId]), this.flags.countOf(playerId, maxCounted)]);
    if (stored) this.blocklist.put(stored);
    const now = this.clock.steady();
    // In memory may be one that could not be written yet.
    const block = this.blocklist.get(playerId, now) ?? stored;
    return {
      playerId,
      blocked: block !== undefined,
      ...(block ? { blockedUntil: toTime(block.blockedUntil), reason: block.reason } : {}),
      strikes: this.judge.strikesOf(playerId),
      flags,
    };
  }

  /** With an Idempotency-Key that came before, what was answered then: the block may have been lifted since. */
  async block(request: BlockPlayerRequest, meta: CallMeta): Promise<Answer<FairnessPlayer>> {
    const { playerId, seconds, reason } = request;
    const { strikes, flags } = await this.player(playerId);
    const wanted = blockOf(playerId, 'manual', reason, this.clock.steady(), seconds);
    const { done, replayed } = await this.blocks.replace(wanted, { request, key: meta.idempotencyKey }, (block) => ({
      ...{ playerId, blocked: true, blockedUntil: toTime(block.blockedUntil), reason: block.reason },
      ...{ strikes, flags },
    }));
    if (!replayed) this.blocklist.put(done.block);
    return answer(done.kept, replayed ? { replayed: 'answer' } : {});
  }

  /** Those who are blocked now. */
  async blocked({ pageSize = 20, pageToken }: ListBlocksRequest): Promise<ListBlocksResponse> {
    const [after = ''] = this.tokens.decode(null, pageToken) ?? [];
    const found = await this.blocks.list(after, pageSize + 1);
    const { page, nextPageToken } = this.tokens.cut(null, found, pageSize, ({ playerId }) => [playerId]);
    return { blocks: page.map(toBlock), nextPageToken };
  }

  async unblock(playerId: string): Promise<FairnessPlayer> {
    const ended = await this.blocks.end(playerId);
    this.blocklist.lift(playerId, ended);
    this.judge.forgive(playerId);
    return this.player(playerId);
  }
}

function toBlock({ playerId, rule, reason, blockedAt, blockedUntil }: StoredBlock): Block {
  return { playerId, rule, reason, blockedAt: toTime(blockedAt), blockedUntil: toTime(blockedUntil) };
}
