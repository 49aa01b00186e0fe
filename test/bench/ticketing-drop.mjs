// A drop: everybody wants a ticket, joins, is drawn and called, enters, reserves, pays, or thinks better of it. The people are
// those of `npm run demo -- drop`, over fewer connections.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantiles } from './statistics.mjs';

const require = createRequire(import.meta.url);
const seconds = (few, many, people) => (people < 1000 ? few : many);
const lookMs = 250;
const patienceMs = 600_000;

/** Plays one in this house; answers its row. */
export async function measureDrop(house) {
  const people = house.people.length;
  const counts = { joined: 0, called: 0, tickets: 0, gone: 0 };
  const seats = Array.from({ length: people / 50 }, (_, i) => `B${i + 1}`);
  const sections = [
    { sectionId: 'floor', price: 4900, capacity: (people * 2) / 25, seats: [] },
    { sectionId: 'box', price: 9900, seats },
  ];
  const drawAt = Date.now() + seconds(2, 10, people) * 1000;
  const saleId = await openSale(house, sections, drawAt);
  const calls = new Calls(house);
  const server = await house.subject.server();
  server.takePeakMb();
  const [began, cpu] = [performance.now(), server.cpuSeconds()];
  const { person } = require(join(house.dist, 'client/drop-people.js'));
  const drop = { saleId, sections, drawAt, counts };
  const all = Promise.all(house.people.map(({ token }) => person(calls.clientOf(token), drop, Math.random)));
  const soldMs = (await untilSold(house, saleId)) - began;
  const [used, requests] = [server.cpuSeconds() - cpu, calls.count];
  await house.ask('POST', `/sales/${saleId}/state`, { body: { state: 'closed' } });
  await all;
  const violations = await auditsOf(house, saleId);
  const rates = { rate: requests / (soldMs / 1000), cpu: used / (soldMs / 1000), cpuUs: (used * 1e6) / requests };
  const { statuses, latencies } = calls;
  const row = {
    ...rates,
    ...quantiles(latencies),
    peakMb: server.takePeakMb(),
    statuses: Object.fromEntries(statuses),
  };
  return { ...row, soldSeconds: soldMs / 1000, tickets: counts.tickets, violations };
}

async function openSale(house, sections, drawAt) {
  const rules = {
    activePlaces: Math.max(10, house.people.length / 50),
    readySeconds: 10,
    grantSeconds: 10,
    silenceSeconds: 60,
  };
  const stock = sections.map(({ seats, ...section }) => ({ ...section, ...(seats.length > 0 && { seats }) }));
  return house.open({
    ...{
      holdSeconds: seconds(10, 60, house.people.length),
      sections: stock,
      opensAt: new Date(Date.now() - 1000).toISOString(),
    },
    queue: { ...rules, drawAt: new Date(drawAt).toISOString() },
  });
}

/** Resolves with the moment at which nothing is left and nobody holds anything. */
async function untilSold(house, saleId) {
  for (const until = performance.now() + patienceMs; performance.now() < until; await sleep(lookMs)) {
    const { sections } = await house.ask('GET', `/sales/${saleId}/availability`);
    if (sections.every(({ available, held }) => available + held === 0)) return performance.now();
  }
  throw new Error(`The drop was not sold out after ${patienceMs} ms`);
}

/** What both audits find wrong, once all money that is on its way has arrived. */
async function auditsOf(house, saleId) {
  for (const until = performance.now() + patienceMs; performance.now() < until; await sleep(lookMs)) {
    const stock = await house.ask('GET', `/sales/${saleId}/audit`);
    const money = await house.ask('GET', `/payments/audit?saleId=${saleId}`);
    if (money.captured - money.refunded === money.expected) return stock.violations.length + money.violations.length;
  }
  throw new Error(`Money of the drop was on its way for ${patienceMs} ms`);
}

/** The calls of all people, counted: what of `AerieClient` a person asks for, as cheaply as undici can. */
class Calls {
  count = 0;
  statuses = new Map();
  latencies = [];

  constructor({ pool, dist }) {
    this.pool = pool;
    this.AppError = require(join(dist, 'shared/errors/app-error.js')).AppError;
  }

  clientOf(token) {
    const get = (path) => this.#call(token, 'GET', path);
    const post = (path, body) => this.#call(token, 'POST', path, body);
    return {
      queue: {
        joinQueue: (body) => post('/queue/join', body),
        // Whoever polls has no token.
        getQueueStatus: ({ ticket }) => this.#call(undefined, 'GET', `/queue/status?ticket=${ticket}`),
        requestAdmission: (body) => post('/queue/enter', body),
      },
      reservations: {
        createReservation: ({ items, ...wanted }) =>
          post('/reservations', { ...wanted, items: items.map(withoutEmpty) }),
        getReservation: ({ id }) => get(`/reservations/${id}`),
        cancelReservation: ({ id }) => post(`/reservations/${id}/cancel`, {}),
        confirmReservation: ({ id }) => post(`/reservations/${id}/confirm`, {}),
      },
      payments: {
        createPayment: (body) => post('/payments', body),
        processPayment: ({ id, method }) => post(`/payments/${id}/process`, { method }),
      },
    };
  }

  async #call(token, method, path, message) {
    const body = message && JSON.stringify(message);
    const key = body && { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...key };
    const began = performance.now();
    const answer = await this.pool.request({ method, path, headers, body });
    const found = await answer.body.json();
    const { statusCode: status } = answer;
    this.count += 1;
    this.latencies.push(performance.now() - began);
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status < 300) return found;
    throw new this.AppError(status < 500 ? 'conflict' : 'unavailable', found.code, found.message);
  }
}

function withoutEmpty({ seatIds = [], ...item }) {
  return seatIds.length > 0 ? { ...item, seatIds } : item;
}
