import type { ReservationService } from '../../generated/aerie/reservations/v1/reservations';
import type { Contract, WithMeta } from '../../shared/contract/contract';

/** The calls of reservations, for other features, other processes and the client library. */
export abstract class ReservationsApi {
  abstract createSale: WithMeta<ReservationService['createSale']>;
  abstract getSale: ReservationService['getSale'];
  abstract listSales: ReservationService['listSales'];
  abstract updateSale: WithMeta<ReservationService['updateSale']>;
  abstract setSaleState: WithMeta<ReservationService['setSaleState']>;
  abstract getAvailability: ReservationService['getAvailability'];
  abstract blockSeats: WithMeta<ReservationService['blockSeats']>;
  abstract unblockSeats: WithMeta<ReservationService['unblockSeats']>;
  abstract auditSale: ReservationService['auditSale'];
  abstract createReservation: WithMeta<ReservationService['createReservation']>;
  abstract getReservation: ReservationService['getReservation'];
  abstract listReservations: ReservationService['listReservations'];
  abstract confirmReservation: WithMeta<ReservationService['confirmReservation']>;
  abstract cancelReservation: WithMeta<ReservationService['cancelReservation']>;
  abstract extendReservation: WithMeta<ReservationService['extendReservation']>;
  abstract verifyTicket: ReservationService['verifyTicket'];
  abstract voidGrant: ReservationService['voidGrant'];
}

// 20,000 seats.
const seatsLimit = 256 * 1024;

export const reservationsContract: Contract<ReservationsApi> = {
  name: 'reservations',
  token: ReservationsApi,
  proto: { package: 'aerie.reservations.v1', service: 'ReservationService' },
  routes: {
    createSale: { http: 'POST /sales', access: 'admin', bodyLimit: seatsLimit, location: '/sales/:saleId' },
    getSale: { http: 'GET /sales/:saleId', access: 'public', retry: true },
    listSales: { http: 'GET /sales', access: 'public', retry: true },
    updateSale: { http: 'PATCH /sales/:saleId', access: 'admin', bodyLimit: seatsLimit },
    setSaleState: { http: 'POST /sales/:saleId/state', access: 'admin', retry: true },
    getAvailability: { http: 'GET /sales/:saleId/availability', access: 'public', retry: true },
    blockSeats: { http: 'POST /sales/:saleId/seats/block', access: 'admin', bodyLimit: seatsLimit },
    unblockSeats: { http: 'POST /sales/:saleId/seats/unblock', access: 'admin', bodyLimit: seatsLimit },
    auditSale: { http: 'GET /sales/:saleId/audit', access: 'admin', retry: true },
    createReservation: { http: 'POST /reservations', access: 'player', location: '/reservations/:id' },
    getReservation: { http: 'GET /reservations/:id', access: 'player', retry: true },
    listReservations: { http: 'GET /reservations', access: 'player', retry: true },
    confirmReservation: { http: 'POST /reservations/:id/confirm', access: 'player', retry: true },
    cancelReservation: { http: 'POST /reservations/:id/cancel', access: 'player', retry: true },
    extendReservation: { http: 'POST /reservations/:id/extend', access: 'player' },
    verifyTicket: { http: 'POST /reservations/verify', access: 'public', retry: true },
    voidGrant: { http: 'POST /sales/:saleId/grants/void', access: 'admin', retry: true },
  },
  streams: { watchReservation: 'player' },
};
