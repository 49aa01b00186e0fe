import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { problemsOf } from '../../support/browser';
import { eventually } from '../../support/eventually';

/** One person, with a browser profile of their own. */
export class Person {
  /** What the browser has complained about: errors, and what the page's policy forbids. */
  readonly problems: string[];

  private constructor(
    readonly page: Page,
    readonly url: string,
  ) {
    this.problems = problemsOf(page);
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext(options);
    const person = new Person(await context.newPage(), url);
    await person.page.goto(`${url}/chat`);
    return person;
  }

  /** Opens the page and joins. */
  static async join(browser: Browser, url: string, name: string, room = 'lobby'): Promise<Person> {
    const person = await Person.open(browser, url);
    await person.join(name, room);
    return person;
  }

  async join(name: string, room = 'lobby'): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Name' }).fill(name);
    await this.page.getByRole('textbox', { name: 'Room' }).fill(room);
    await this.page.getByRole('button', { name: 'Join', exact: true }).click();
    await this.isConnected();
    // What was said before has come by then.
    await this.page.locator('#log[aria-busy=false]').waitFor();
  }

  get log(): Locator {
    return this.page.getByRole('log');
  }

  get text(): Locator {
    return this.page.getByRole('textbox', { name: /^(Message|Whisper) to/ });
  }

  get alert(): Locator {
    return this.page.locator('[role=alert]:visible');
  }

  async isConnected(): Promise<void> {
    await this.page.getByRole('status').getByText('Connected', { exact: true }).waitFor();
  }

  async say(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.text.fill(text);
      await this.text.press('Enter');
    }
  }

  /** Resolves when somebody else's message is there, or one's own is sent. */
  async hears(text: string): Promise<void> {
    await this.log
      .locator('.message:not([data-state=sending]) .text')
      .getByText(text, { exact: true })
      .first()
      .waitFor();
  }

  /** All messages in order: `ada: text`, of one's own `You: text`, with ` (state)` where it is not sent. */
  messages(): Promise<string[]> {
    return this.log.locator('.message').evaluateAll((nodes) =>
      nodes.map((node) => {
        const [author, kind, text] = ['.author', '.kind', '.text'].map((part) => node.querySelector(part)?.textContent);
        const state = node.getAttribute('data-state') ?? 'sent';
        return `${author}: ${kind ? `[${kind}] ` : ''}${text}${state === 'sent' ? '' : ` (${state})`}`;
      }),
    );
  }

  notes(): Promise<string[]> {
    return this.log.locator('.note, .heading').allTextContents();
  }

  people(): Promise<string[]> {
    return this.page.locator('#users bdi').allTextContents();
  }

  async sees(people: readonly string[]): Promise<void> {
    await eventually(async () => expect(await this.people()).toEqual(people));
  }
}
