// Reads, each beside a bare handler that answers the same bytes; with a token, one that also checks its signature.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { contest } from './contest.mjs';
import { temporaryFolder } from './folders.mjs';
import { playerName, players } from './prepare.mjs';
import { BareSubject } from './subject.mjs';

const asked = 1000;
// Auth allows an address 20 registrations a minute.
const users = 16;

/** One player's place on the week's board, and one player's XP, of a thousand players of `subject`. */
export const playerReads = {
  around: (subject) =>
    everyPlayer((id) => `/leaderboard/players/${playerName(subject.run, id)}?window=weekly&around=5`),
  progress: (subject) => everyPlayer((id) => `/players/${playerName(subject.run, id)}/progress`),
};

const kinds = [
  {
    title: 'GET /leaderboard, first page of 100',
    route: '/leaderboard',
    of: () => [{ path: '/leaderboard?window=weekly&limit=100' }],
  },
  {
    title: 'GET /leaderboard/players/:id, around',
    route: '/leaderboard/players/:playerId',
    of: ({ subject }) => playerReads.around(subject),
  },
  {
    title: 'GET /players/:id/progress',
    route: '/players/:playerId/progress',
    of: ({ subject }) => playerReads.progress(subject),
  },
  {
    title: 'GET /users/:id with a token',
    route: '/users/:id',
    token: true,
    of: ({ sessions }) => sessions.map(({ user, accessToken }) => ({ path: `/users/${user.id}`, token: accessToken })),
  },
];

export async function measureReads(bench) {
  const sides = [];
  for (const subject of bench.builds) {
    await fill(bench, subject);
    const { url } = await subject.server();
    const session = (number) => register(url, `${subject.run}-${number}`);
    sides.push({ subject, sessions: await inTurn(users, session) });
  }
  const bare = new BareSubject(await answersOf(sides[0]));
  const found = [];
  try {
    for (const kind of kinds) found.push(await measureRead(bench, kind, bare, sides));
  } finally {
    await bare.stop();
  }
  return found;
}

/** Every player has progress and is on the boards. */
export async function fill(bench, subject) {
  const points = await bench.generator.expected(subject.run);
  if (points.length > 0 && points.every((sum) => sum > 0)) return;
  const requests = Math.ceil(players / 500);
  const scenario = { wire: 'batch', size: 500, mix: 'usual', connections: 8, seconds: 600, requests };
  await subject.measure(bench.generator, scenario);
}

function everyPlayer(pathOf) {
  return Array.from({ length: asked }, () => ({ path: pathOf(Math.floor(Math.random() * players)) }));
}

async function inTurn(count, make) {
  const made = [];
  for (let number = 0; number < count; number += 1) made.push(await make(number));
  return made;
}

async function register(url, name) {
  const account = { name, email: `${name}@example.com`, password: 'correct horse battery' };
  return answerOf(`${url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  }).then(JSON.parse);
}

async function answerOf(url, options) {
  const { statusCode, body } = await request(url, options);
  const text = await body.text();
  if (statusCode >= 300) throw new Error(`${url} was answered ${statusCode}: ${text}`);
  return text;
}

/** Writes what this side answers, for the bare handler to answer it, too; answers the file's path. */
async function answersOf(side) {
  const { url } = await side.subject.server();
  const { keys } = JSON.parse(await answerOf(`${url}/.well-known/jwks.json`));
  const reads = [];
  for (const { route, token: wanted, of } of kinds) {
    const [{ path, token }] = of(side);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    reads.push({ route, token: wanted === true, body: await answerOf(`${url}${path}`, { headers }) });
  }
  const file = join(temporaryFolder(), 'answers.json');
  writeFileSync(file, JSON.stringify({ key: keys[0], reads }));
  return file;
}

async function measureRead(bench, { title, of }, bare, sides) {
  const { connections, rounds, seconds = 3 } = bench.options;
  const scenario = { wire: 'read', size: 1, connections, seconds };
  const contestant = (subject, side) => {
    const reads = of(side);
    const once = (settings) => subject.measure(bench.generator, { ...scenario, reads, ...settings });
    return { name: subject.name, run: () => once({}), warmUp: () => once({ seconds: 1 }) };
  };
  const contestants = [contestant(bare, sides[0]), ...sides.map((side) => contestant(side.subject, side))];
  const found = await contest({
    contestants,
    pairs: [...bench.builds.map(({ name }) => [name, bare.name]), ...bench.pairs],
    compare: ['rate', 'perCpuSecond'],
    rounds,
    warm: ({ warmUp }) => warmUp(),
  });
  return { title, ...found };
}
