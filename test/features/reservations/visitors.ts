import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { ulid } from 'ulid';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import type { Reservation } from '../../../src/generated/aerie/reservations/v1/reservations';
import { problemsOf } from '../../support/browser';
import type { Outcome, TestApp } from '../../support/wires';

// People at the page of a sale, and the sales.

export const internal = 'an-internal-secret-of-32-bytes-or-more';
export const operator = { authorization: `Bearer ${internal}` };
export const settings = { CHAT_TCP_ENABLED: 'false', INTERNAL_API_SECRET: internal, AUTH_REQUIRED: 'true' };
const password = 'correct horse';
// What is refused is in the console, too: so is a connection that is cut.
const refused = /^Failed to load resource: /;

/** One person, with a browser profile and an account of their own. */
export class Visitor {
  readonly problems: string[];
  readonly email = `${ulid().toLowerCase()}@example.com`;

  constructor(
    readonly page: Page,
    readonly app: TestApp,
  ) {
    this.problems = problemsOf(page, refused);
  }

  static async open(
    browser: Browser,
    app: TestApp,
    saleId: string,
    options: BrowserContextOptions = {},
    url = app.url,
  ): Promise<Visitor> {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
    const visitor = new Visitor(await context.newPage(), app);
    await visitor.page.goto(`${url}/drops/${saleId}`);
    return visitor;
  }

  /** Makes an account on the page. */
  async register(name = 'Ada'): Promise<void> {
    await this.button('Make an account').click();
    await this.page.getByRole('textbox', { name: 'Name' }).fill(name);
    await this.page.getByRole('textbox', { name: 'E-mail address' }).fill(this.email);
    await this.page.getByRole('textbox', { name: 'Password' }).fill(password);
    await this.page.getByRole('textbox', { name: 'Password' }).press('Enter');
    await this.button('Log out').waitFor();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { name, exact: typeof name === 'string' });
  }

  seat(name: string): Locator {
    return this.page.locator(`.seat[data-seat="${name}"]`);
  }

  quantity(section: string): Locator {
    return this.page.getByRole('spinbutton', { name: `How many of ${section}` });
  }

  /** What the page says until it is dismissed. */
  get said(): Locator {
    return this.page.locator('#said-text');
  }

  async choose(section: string, quantity: number): Promise<void> {
    await this.page
      .getByText(/ left$/)
      .first()
      .waitFor();
    await this.quantity(section).fill(String(quantity));
    await this.quantity(section).press('Tab');
  }

  async reserve(): Promise<void> {
    await this.button(/^Reserve \d+$/).click();
  }

  /** What the server has for this person, newest first. */
  async reservations(saleId: string): Promise<Reservation[]> {
    const { body: session } = await this.app.http.call(auth, 'login', { email: this.email, password });
    const { body } = await this.app.http.call(
      reservations,
      'listReservations',
      { saleId },
      bearer(session.accessToken),
    );
    return body.reservations as Reservation[];
  }
}

export function bearer(token: unknown): Record<string, string> {
  return { authorization: `Bearer ${String(token)}` };
}

/** Headers of somebody without a browser. */
export async function somebody(app: TestApp): Promise<Record<string, string>> {
  const person = { name: 'Bob', email: `${ulid().toLowerCase()}@example.com`, password };
  return bearer((await app.http.call(auth, 'register', person)).body.accessToken);
}

export function as(app: TestApp, headers: Record<string, string>, method: string, message: object): Promise<Outcome> {
  return app.http.call(reservations, method, message, { ...headers, 'idempotency-key': ulid() });
}

/** A sale with a floor of ten; more and other fields as told. */
export async function openSale(app: TestApp, more: object = {}): Promise<string> {
  const saleId = `sale-${ulid().toLowerCase()}`;
  const sale = {
    ...{ saleId, title: 'Grand final', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z', holdSeconds: 600 },
    ...{ sections: [{ sectionId: 'floor', price: 4900, capacity: 10 }], ...more },
  };
  const made = await as(app, operator, 'createSale', sale);
  if (made.code !== 'ok') throw new Error(`${made.code}: ${String(made.body.message)}`);
  return saleId;
}
