import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Grants } from '../../shared/auth/grants';
import { Config } from '../../shared/config/config';
import { sha256 } from './queue.draw';
import type { TicketRow } from './queue.entity';
import { queueTicketKeyGone } from './queue.errors';

const ticketDigits = 42;

/** Whom a ticket is for, and the random 32 bytes it is made from, in base64url. */
type TicketParts = Pick<TicketRow, 'saleId' | 'userId' | 'nonce'>;

/**
 * Tickets: a letter and 252 bits in base64url which nobody can guess. The letter keeps a command line from taking one for an
 * option. The database has their hashes alone; who joins again gets the same ticket, since it is made from a random number of
 * its row and a secret out of GRANT_KEYS.
 */
@Injectable()
export class QueueTickets {
  private readonly keys: readonly [Buffer, ...Buffer[]];

  constructor(
    { grantKeys }: Config,
    private readonly grants: Grants,
  ) {
    const [first, ...others] = grantKeys.map(({ secret }) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'aerie queue ticket', 32)),
    );
    if (!first) throw new Error('Tickets of the waiting room need a key');
    this.keys = [first, ...others];
  }

  make(of: Omit<TicketParts, 'nonce'>): { readonly nonce: string; readonly ticketHash: string } {
    const nonce = randomBytes(32).toString('base64url');
    return { nonce, ticketHash: sha256(made(this.keys[0], { ...of, nonce })) };
  }

  /** The ticket of a row, also when it was made with a key that signs no more. @throws AppError queue_ticket_key_gone */
  of(row: TicketRow): string {
    const all = this.keys.map((key) => made(key, row));
    const found = all.find((ticket) => sha256(ticket) === row.ticketHash);
    if (found === undefined) throw queueTicketKeyGone();
    return found;
  }

  /** The grant of a ticket that is admitted, the same one each time: it is signed over what the row says. */
  grantOf({ grantId, userId, saleId, ticketHash, admittedAt, grantUntil }: TicketRow): Promise<string> {
    const times = { iat: Math.floor(admittedAt / 1000), exp: grantUntil / 1000 };
    return this.grants.sign({ jti: grantId ?? '', sub: userId, saleId, ticket: ticketHash, ...times });
  }
}

function made(key: Buffer, { saleId, userId, nonce }: TicketParts): string {
  const mac = createHmac('sha256', key).update(JSON.stringify([saleId, userId, nonce]));
  return `q${mac.digest('base64url').slice(0, ticketDigits)}`;
}
