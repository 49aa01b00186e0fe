import type { Browser, BrowserContextOptions, Locator, Page, Request } from 'playwright-core';
import { ulid } from 'ulid';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { openBrowser, problemsOf } from '../../support/browser';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { openApp, type TestApp } from '../../support/wires';

// Operators at the console of the real server, in a browser.

export const internal = 'an-internal-secret-of-32-bytes-or-more';
export const operator = { authorization: `Bearer ${internal}` };
export const settings = { CHAT_TCP_ENABLED: 'false', INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' };
/** When time stands still. */
export const stopped = Date.parse('2030-01-01T12:00:00Z');
export const password = 'correct horse';
// What is refused is in the console of the browser, too: so is a connection that is cut.
const refused = /^Failed to load resource: /;

export let database: TestDatabase;
export let app: TestApp;
export let browser: Browser;
const here: Operator[] = [];

/** For the whole file that calls it. After each test all have gone, and nothing on their pages has gone wrong. */
export function welcomeOperators(prepare: (app: TestApp) => Promise<void> = async () => undefined): void {
  beforeAll(async () => {
    database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    app = await openApp(database.url, settings);
    browser = await openBrowser();
    await prepare(app);
  });
  afterEach(async () => {
    const problems = here.flatMap((one) => one.problems);
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

/** One operator, with a browser profile of their own. */
export class Operator {
  readonly problems: string[];

  private constructor(readonly page: Page) {
    this.problems = problemsOf(page, refused);
  }

  /** At the console, before signing in. */
  static async come(options: BrowserContextOptions = {}, url = `${app.url}/console`): Promise<Operator> {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
    const one = new Operator(await context.newPage());
    here.push(one);
    await one.page.goto(url);
    return one;
  }

  /** In the view of a hash, where time stands still but for looks at the numbers. */
  static async stillAt(hash: string): Promise<Operator> {
    const one = await Operator.come({}, `${app.url}/console#${hash}`);
    await one.stopTime();
    await one.signIn();
    return one;
  }

  /** In the view of a hash, with the internal secret. */
  static async at(hash: string, options: BrowserContextOptions = {}): Promise<Operator> {
    const one = await Operator.come(options, `${app.url}/console#${hash}`);
    await one.signIn();
    return one;
  }

  async signIn(secret = internal): Promise<void> {
    await this.page.locator('input[type=password]').fill(secret);
    await this.page.locator('main.out button.primary').click();
    await this.page.locator('main.in').waitFor();
  }

  async logIn(email: string): Promise<void> {
    await this.page.getByRole('radio', { name: "Administrator's account" }).check();
    await this.page.getByRole('textbox', { name: 'E-mail address' }).fill(email);
    await this.page.getByRole('textbox', { name: 'Password' }).fill(password);
    await this.page.getByRole('textbox', { name: 'Password' }).press('Enter');
  }

  /** Goes to a view by its link. */
  async go(view: string): Promise<void> {
    await this.page.getByRole('navigation').getByRole('link', { name: view, exact: true }).click();
    await this.heading(view).waitFor();
  }

  /** For its page it is this second, and stays so but while a look is taken. */
  async stopTime(): Promise<void> {
    await this.page.clock.install({ time: stopped - 1000 });
    await this.page.clock.pauseAt(stopped);
  }

  /** Lets the page look at the numbers once more, and waits until it has. */
  async look(): Promise<void> {
    let request: Request | undefined;
    const isLook = (one: Request): boolean => one.url().endsWith('/console/stats');
    const begun = this.page.waitForEvent('request', isLook).then((one) => {
      request = one;
    });
    // The next look is planned once the last was answered, which may be later than this.
    while (!request) {
      await this.page.clock.runFor(3000);
      await Promise.race([begun, new Promise((soon) => setTimeout(soon, 50))]);
    }
    await request.response();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { name, exact: typeof name === 'string' });
  }

  part(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true });
  }

  row(text: string | RegExp): Locator {
    return this.page.getByRole('row').filter({ hasText: text });
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  /** What was said of the latest command. */
  get said(): Locator {
    return this.page.locator('p.said');
  }

  get problem(): Locator {
    return this.page.locator('.problem');
  }
}

/** An account, made an administrator's unless told; answers the address that it logs in with, and its id. */
export async function account(role: 'admin' | 'player', name = 'Ada'): Promise<{ email: string; id: string }> {
  const email = `${ulid().toLowerCase()}@example.com`;
  const { body } = await app.http.call(auth, 'register', { name, email, password });
  const { id } = body.user as { id: string };
  if (role === 'admin') await app.http.call(auth, 'setRole', { userId: id, role }, operator);
  return { email, id };
}
