import type { ReservationsApi } from '../../../src/features/reservations/reservations.api';
import type { Sale, WaitingRoom } from '../../../src/generated/aerie/reservations/v1/reservations';
import { AppError } from '../../../src/shared/errors/app-error';

export interface Rules {
  queue: Partial<WaitingRoom> | undefined;
  state: string;
  opensAt: string;
  closesAt: string;
  available: number;
}

const defaults = { activePlaces: 5, readySeconds: 30, grantSeconds: 30, silenceSeconds: 60 };

/**
 * A fake of reservations: it says what it is told to say of sales, and has the one rule of grants, that whoever takes one
 * first has it.
 */
export class FakeSales {
  private readonly sales = new Map<string, Partial<Rules>>();
  /** What became of grants, by jti. */
  readonly grants = new Map<string, 'used' | 'voided'>();

  readonly api = {
    getSale: async ({ saleId }: { saleId: string }) => this.saleOf(saleId),
    getAvailability: async ({ saleId }: { saleId: string }) => {
      const available = this.sales.get(saleId)?.available ?? 1000;
      return { sections: [{ available }], soldOut: available === 0, seats: [], nextPageToken: '', asOf: '' };
    },
    voidGrant: async ({ jti }: { jti: string }) => {
      if (!this.grants.has(jti)) this.grants.set(jti, 'voided');
      return { voided: this.grants.get(jti) === 'voided' };
    },
  } as unknown as ReservationsApi;

  add(saleId: string, rules: Partial<Rules>): void {
    this.sales.set(saleId, { queue: {}, ...rules });
  }

  change(saleId: string, rules: Partial<Rules>): void {
    this.sales.set(saleId, { ...this.sales.get(saleId), ...rules });
  }

  /** A reservation takes the grant: false when it is too late. */
  use(jti: string): boolean {
    if (this.grants.has(jti)) return false;
    this.grants.set(jti, 'used');
    return true;
  }

  private saleOf(saleId: string): Sale {
    const rules = this.sales.get(saleId);
    if (!rules) throw new AppError('not_found', 'sale_not_found', 'There is no such sale');
    const { state = 'open', opensAt = '2026-01-01T00:00:00Z', closesAt, queue } = rules;
    return {
      ...{ saleId, title: '', currency: 'EUR', state, opensAt, ...(closesAt !== undefined && { closesAt }) },
      ...{ holdSeconds: 60, maxPerReservation: 10, maxPerUser: 10, sections: [] },
      ...(queue && { queue: { ...defaults, ...queue } }),
      ...{ version: 1, createdAt: opensAt, updatedAt: opensAt },
    };
  }
}
