import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from '../support/app';

// `npm run demo -- drop`: a whole launch, on a server of its own, with audits and a draw at the end.

const program = join(__dirname, '..', '..', 'dist', 'client', 'aerie.js');

test('people wait, are drawn, buy and vanish; both audits agree, and the draw is what was committed to', async () => {
  ensureBuilt();
  const env = { PATH: process.env.PATH ?? '', TMPDIR: tmpdir() };
  const child = spawn(process.execPath, [program, '--json', 'demo', 'drop', '--people', '40'], { env });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, err]).toEqual([0, expect.stringMatching(/joined 40\/40\ncalled 40\/40\ngone 40\/40\n/)]);
  const { ok, people, gone, tickets, seats, money, draw } = JSON.parse(out) as Record<string, never>;
  expect({ ok, people, gone, draw }).toEqual({ ok: true, people: 40, gone: 40, draw: { joins: 40, verified: true } });
  const { sections } = seats as { sections: { held: number; sold: number }[] };
  expect(sections.map(({ held }) => held)).toEqual([0, 0, 0, 0]);
  // Nobody is told of a ticket who has none; who vanished with a payment under way may have one all the same.
  expect(sections.reduce((sum, { sold }) => sum + sold, 0)).toBeGreaterThanOrEqual(Number(tickets));
  expect(money).toMatchObject({ ok: true, violations: [] });
}, 180_000);
