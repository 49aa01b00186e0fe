import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveTables } from '../../../src/shared/db/sqlite.move';
import { BetterSqlite3 } from '../../support/sqlite';

// Tables get a file of their own, whole, whatever ends the process meanwhile.

const schema = `
  CREATE TABLE migrations (id integer PRIMARY KEY AUTOINCREMENT, timestamp bigint NOT NULL, name varchar NOT NULL);
  INSERT INTO migrations (timestamp, name) VALUES (1, 'MadeThese1'), (2, 'MadeOthers2');
  CREATE TABLE "these" ("seq" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "id" varchar(64) NOT NULL);
  CREATE UNIQUE INDEX "these_id" ON "these" ("id");
  INSERT INTO these (id) VALUES ('a'), ('b'), ('c'), ('last');
  DELETE FROM these WHERE id = 'last';
  CREATE TABLE others (id integer PRIMARY KEY);
  INSERT INTO others VALUES (7);
`;

let folder: string;
const at = (name: string): string => join(folder, name);
const ask = (file: string, text: string): unknown[] => {
  const database = new BetterSqlite3(at(file));
  try {
    return database.prepare(text).pluck().all();
  } finally {
    database.close();
  }
};
const move = (): boolean => {
  const [from, to] = [at('all.db'), at('all.these.db')];
  return moveTables({ from, to, tables: ['these', 'not_yet'], migrations: ['MadeThese1', 'ToCome3'] }, BetterSqlite3);
};

function expectMoved(): void {
  expect(ask('all.these.db', 'SELECT id FROM these ORDER BY seq')).toEqual(['a', 'b', 'c']);
  expect(ask('all.these.db', 'SELECT name FROM migrations')).toEqual(['MadeThese1']);
  const indices = "SELECT name FROM sqlite_master WHERE type = 'index'";
  expect(ask('all.these.db', indices)).toEqual(['these_id']);
  expect(ask('all.db', "SELECT name FROM sqlite_master WHERE name LIKE 'these%'")).toEqual([]);
  expect(ask('all.db', 'SELECT name FROM migrations')).toEqual(['MadeOthers2']);
  expect(ask('all.db', 'SELECT id FROM others')).toEqual([7]);
  expect(existsSync(at('all.these.db.new'))).toBe(false);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aerie-move-'));
  const database = new BetterSqlite3(at('all.db'));
  database.pragma('journal_mode = WAL');
  database.exec(schema);
  database.close();
});
afterEach(() => rmSync(folder, { recursive: true }));

test('moves rows, indices, notes of migrations and the last number, and has nothing to do the second time', () => {
  expect(move()).toBe(true);
  expectMoved();
  expect(ask('all.these.db', "INSERT INTO these (id) VALUES ('d') RETURNING seq")).toEqual([5]);
  expect(move()).toBe(false);
});

test('goes on where it ended before the new file had its name', () => {
  writeFileSync(at('all.these.db.new'), 'half of it');
  writeFileSync(at('all.these.db.new-journal'), 'half of it');
  expect(move()).toBe(true);
  expectMoved();
});

test('goes on where it ended before the old file lost them', () => {
  copyFileSync(at('all.db'), at('before.db'));
  move();
  copyFileSync(at('before.db'), at('all.db'));
  expect(move()).toBe(true);
  expectMoved();
});

/** The move ended before the old file lost its tables, which then was used again. */
function halfDone(): void {
  copyFileSync(at('all.db'), at('before.db'));
  move();
  copyFileSync(at('before.db'), at('all.db'));
  ask('all.db', "INSERT INTO these (id) VALUES ('d') RETURNING seq");
}

test('begins anew where it was half done, and the old file was used again', () => {
  halfDone();
  expect(move()).toBe(true);
  expect(ask('all.these.db', 'SELECT id FROM these ORDER BY seq')).toEqual(['a', 'b', 'c', 'd']);
  expect(ask('all.db', "SELECT name FROM sqlite_master WHERE name LIKE 'these%'")).toEqual([]);
});

test('refuses, and takes nothing, when each file has what the other one lacks', () => {
  halfDone();
  ask('all.these.db', "INSERT INTO these (id) VALUES ('of the new one') RETURNING seq");
  expect(move).toThrow(/the table these is in .*all\.db and in .*all\.these\.db/);
  expect(ask('all.db', 'SELECT COUNT(*) FROM these')).toEqual([4]);
  expect(ask('all.these.db', 'SELECT COUNT(*) FROM these')).toEqual([4]);
});
