import type { Browser, BrowserContextOptions } from 'playwright-core';
import { openBrowser } from '../../support/browser';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openApp, type TestApp } from '../../support/wires';
import { settings, Visitor } from './visitors';

// The real server and a browser, for a file of tests, and whoever visits a page there.

export let database: TestDatabase;
export let app: TestApp;
export let browser: Browser;
/** Whoever has come in this test. */
export const here: Visitor[] = [];

/** For the whole file that calls it. After each test all have gone, and nothing on their pages has gone wrong. */
export function welcomeVisitors(): void {
  beforeAll(async () => {
    database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    app = await openApp(database.url, settings);
    browser = await openBrowser();
  });
  afterEach(async () => {
    const problems = here.flatMap((visitor) => visitor.problems);
    await Promise.all(here.splice(0).map(({ page }) => page.context().close()));
    // Nothing that the page does is against its policy, and no script fails.
    expect(problems).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
}

/** Somebody at the page of a sale, with a browser profile of their own. */
export async function open(saleId: string, options: BrowserContextOptions = {}, url = app.url): Promise<Visitor> {
  const visitor = await Visitor.open(browser, app, saleId, options, url);
  here.push(visitor);
  return visitor;
}
