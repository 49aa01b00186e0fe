import { ulid } from 'ulid';
import type { ReservationsApi } from '../../../src/features/reservations/reservations.api';
import type { ReservationNews } from '../../../src/features/reservations/reservations.events';
import type {
  GetReservationRequest,
  GetSaleRequest,
  ListReservationsRequest,
  ListReservationsResponse,
  Reservation,
} from '../../../src/generated/aerie/reservations/v1/reservations';
import type { Clock } from '../../../src/shared/clock/clock';
import { AppError } from '../../../src/shared/errors/app-error';

export const saleId = 'final-2026';

/** No reservations: a list of them in memory, of which payments may ask. It is not told what payments announces. */
export class FakeReservations {
  private readonly all = new Map<string, Reservation>();
  /** Called before each answer. */
  /** Of the sale. */
  state = 'open';
  asked: () => void = () => undefined;

  constructor(private readonly clock: Clock) {}

  /** It has the calls that payments makes, and no others. */
  get api(): ReservationsApi {
    return this as unknown as ReservationsApi;
  }

  hold(more: Partial<Reservation> = {}): Reservation {
    const now = new Date(this.clock.now()).toISOString();
    const heldUntil = new Date(this.clock.now() + 60_000).toISOString();
    const reservation = {
      ...{ id: ulid(), saleId, userId: 'ada', items: [], amount: 8000, currency: 'EUR', status: 'held', heldUntil },
      ...{ extended: false, version: 1, createdAt: now, updatedAt: now },
      ...more,
    };
    this.all.set(reservation.id, reservation);
    return reservation;
  }

  /** Makes it so, and answers what reservations would announce of it. */
  end(id: string, status: ReservationNews['status'], paymentId?: string): ReservationNews {
    const found = this.all.get(id) as Reservation;
    this.all.set(id, { ...found, status, updatedAt: new Date(this.clock.now()).toISOString() });
    const { userId, amount, currency } = found;
    const news = { reservationId: id, saleId, userId, status, amount, currency, quantity: 1, at: this.clock.now() };
    return paymentId === undefined ? news : { ...news, paymentId };
  }

  async getSale({ saleId: sale }: GetSaleRequest): Promise<object> {
    if (sale === 'no-such-sale') throw new AppError('not_found', 'sale_not_found', 'There is no such sale');
    return { saleId: sale };
  }

  async listSales(): Promise<object> {
    return {
      sales: [
        { saleId: 'not-on', state: 'paused' },
        { saleId, state: this.state },
      ],
      nextPageToken: '',
    };
  }

  async getReservation({ id }: GetReservationRequest): Promise<Reservation> {
    this.asked();
    const found = this.all.get(id);
    if (!found) throw new AppError('not_found', 'reservation_not_found', `No reservation has the id ${id}`);
    return found;
  }

  async listReservations({
    saleId: sale,
    pageSize = 20,
    pageToken,
  }: ListReservationsRequest): Promise<ListReservationsResponse> {
    const all = [...this.all.values()].filter((one) => one.saleId === sale).sort((a, b) => (a.id < b.id ? 1 : -1));
    const rest = all.filter(({ id }) => pageToken === undefined || id < pageToken);
    const reservations = rest.slice(0, pageSize);
    return { reservations, nextPageToken: rest.length > pageSize ? (reservations.at(-1)?.id ?? '') : '' };
  }
}
