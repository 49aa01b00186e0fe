// Ticketing: polls of a waiting room beside a bare handler that answers the same bytes; joins and holds, each durable and of
// another user; and a whole drop.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'undici';
import { contest } from './contest.mjs';
import { temporaryFolder } from './folders.mjs';
import { BareSubject } from './subject.mjs';
import { measureDrop } from './ticketing-drop.mjs';
import { makePeople, tokenKey } from './ticketing-people.mjs';

const secret = 'an-internal-secret-of-the-bench-alone';
const crowd = 10_000;
const pollers = 1000;
const openedAt = '2026-01-01T00:00:00Z';
const full = ['rate', 'perCpuSecond'];

export const pollTitle = 'GET /queue/status of a waiting room';
export const joinTitle = 'joins of a waiting room';
export const holdTitle = (kind) => `holds of one section, ${kind}`;
export const dropTitle = (people) => `a drop at ${people.toLocaleString('en')} people`;

const kinds = ['by quantity', 'by seat'];
const parts = {
  polls: (bench, houses) => measurePolls(bench, houses),
  joins: (bench, houses) => measurePosts(bench, houses, joinTitle, (house) => house.joins()),
  holds: async (bench, houses) => {
    const found = [];
    for (const kind of kinds)
      found.push(await measurePosts(bench, houses, holdTitle(kind), (house) => house.holds(kind)));
    return found;
  },
  drop: (_bench, houses) => measureDrops(houses),
};

/** What `ticketing` stands for: each part is a scenario. */
export const ticketing = Object.keys(parts).map((part) => `ticketing-${part}`);

/** The results of one part, in processes of its own. */
export async function measureTicketing(bench, name) {
  const key = await tokenKey();
  const people = bench.options.quick ? 200 : crowd;
  const houses = [];
  for (const build of bench.builds) houses.push(await House.open(bench, build, key, people));
  const found = [await parts[name.slice('ticketing-'.length)](bench, houses)].flat();
  for (const house of houses) await house.close();
  return found;
}

/** The features of ticketing in one process, and people with tokens. */
class House {
  #sales = 0;

  /** The first start makes the tables. */
  static async open(bench, build, key, count) {
    const environment = {
      ...{ INTERNAL_API_SECRET: secret, JWT_PRIVATE_KEY_FILE: key.file, SHUTDOWN_DRAIN_MS: '0' },
      // The kernel has ports enough for them; the limits of the server are not what is measured.
      ...{ CONNECTIONS_MAX: '20000', CONNECTIONS_PER_ADDRESS_MAX: '20000' },
    };
    const modules = 'users,auth,reservations,payments,queue';
    const subject = bench.another(build, { modules, environment });
    const { url } = await subject.server();
    const house = new House(bench, subject, new Pool(url, { connections: 256 }));
    house.people = await makePeople(subject.databaseUrl, count, key);
    return house;
  }

  constructor(bench, subject, pool) {
    this.bench = bench;
    this.subject = subject;
    this.pool = pool;
  }

  get name() {
    return this.subject.name;
  }

  get dist() {
    return this.subject.dist;
  }

  async close() {
    await this.pool.close();
    await this.subject.stop();
  }

  /** A call of the operator's, or of whose token it is. */
  async ask(method, path, { body, token = secret } = {}) {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
    const answer = await this.pool.request({ method, path, headers, body: body && JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`);
    return JSON.parse(text);
  }

  /** A new sale; answers its id. */
  async open(rules) {
    this.#sales += 1;
    const saleId = `sale-${Date.now().toString(36)}-${this.#sales}`;
    const sections = [{ sectionId: 'floor', price: 0, capacity: 1 }];
    const body = { saleId, title: 'Bench', currency: 'EUR', opensAt: openedAt, sections, ...rules };
    await this.ask('POST', '/sales', { body });
    return saleId;
  }

  /** Tickets of a room in which nobody is called, and where to ask for them. */
  async polls() {
    const saleId = await this.open({ opensAt: '2100-01-01T00:00:00Z', queue: { silenceSeconds: 3600 } });
    const joined = this.people.slice(0, pollers).map(({ token }) => {
      return this.ask('POST', '/queue/join', { token, body: { saleId } });
    });
    return (await Promise.all(joined)).map(({ ticket }) => ({ path: `/queue/status?ticket=${ticket}` }));
  }

  /** Requests of everybody to join a new room. */
  async joins() {
    const saleId = await this.open({ opensAt: '2100-01-01T00:00:00Z', queue: {} });
    return this.people.map(({ token }) => ({ path: '/queue/join', token, body: JSON.stringify({ saleId }) }));
  }

  /** Requests of everybody for one thing each of the one section of a new sale. */
  async holds(kind) {
    const count = this.people.length;
    const seats = Array.from({ length: count }, (_, i) => `s${i}`);
    const stock = kind === 'by seat' ? { seats } : { capacity: count };
    const saleId = await this.open({ holdSeconds: 900, sections: [{ sectionId: 'floor', price: 100, ...stock }] });
    return this.people.map(({ token }, i) => {
      const wanted = kind === 'by seat' ? { seatIds: [seats[i]] } : { quantity: 1 };
      const body = JSON.stringify({ saleId, items: [{ sectionId: 'floor', ...wanted }] });
      return { path: '/reservations', token, key: `${saleId}-${i}`, body };
    });
  }
}

async function measurePolls(bench, houses) {
  const { connections, rounds, seconds = 3 } = bench.options;
  const sides = [];
  for (const house of houses) sides.push({ name: house.name, subject: house.subject, reads: await house.polls() });
  const bare = new BareSubject(await answerOf(houses[0], sides[0].reads[0]));
  sides.unshift({ name: bare.name, subject: bare, reads: sides[0].reads });
  const contestants = sides.map(({ name, subject, reads }) => {
    const scenario = { wire: 'read', size: 1, connections, reads };
    const run = (lasting) => subject.measure(bench.generator, { ...scenario, seconds: lasting });
    return { name, run: () => run(seconds), warmUp: () => run(1) };
  });
  const pairs = [...houses.map(({ name }) => [name, bare.name]), ...bench.pairs];
  try {
    const warm = ({ warmUp }) => warmUp();
    return { title: pollTitle, ...(await contest({ contestants, pairs, compare: full, rounds, warm })) };
  } finally {
    await bare.stop();
  }
}

/** Writes what is answered to this read, for the bare handler to answer it, too; answers the file's path. */
async function answerOf(house, { path }) {
  const body = JSON.stringify(await house.ask('GET', path));
  const file = join(temporaryFolder(), 'answers.json');
  writeFileSync(file, JSON.stringify({ reads: [{ route: '/queue/status', token: false, body }] }));
  return file;
}

/** `postsOf`: requests for one round, each sent once; the round ends with them. */
async function measurePosts(bench, houses, title, postsOf) {
  const { connections, rounds, quick } = bench.options;
  // It ends before that, with the last post.
  const seconds = quick ? 60 : (bench.options.seconds ?? 60);
  const contestants = houses.map((house) => {
    const scenario = { wire: 'post', size: 1, connections, seconds, kept: false };
    const run = async () => house.subject.measure(bench.generator, { ...scenario, posts: await postsOf(house) });
    return { name: house.name, run };
  });
  const warm = ({ run }) => run();
  return { title, ...(await contest({ contestants, pairs: bench.pairs, compare: full, rounds, warm })) };
}

/** One for each build: it takes a minute or two, and most of that is people's. */
async function measureDrops(houses) {
  const contestants = houses.map((house) => ({ name: house.name, run: () => measureDrop(house) }));
  return {
    title: dropTitle(houses[0].people.length),
    ...(await contest({ contestants, pairs: [], compare: [], rounds: 1 })),
  };
}
