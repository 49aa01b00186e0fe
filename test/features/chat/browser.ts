import { connect, createServer, type Socket } from 'node:net';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { eventually } from '../../support/eventually';
import { pathOf } from '../../support/programs';

// Chromium says so of every connection that is cut.
const networkNews = /^WebSocket connection to .* failed|net::ERR_/;

/** Debian's Chromium. As root it has no sandbox of its own. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: pathOf('chromium'), args: ['--no-sandbox'] });
}

/** One person, with a browser profile of their own. */
export class Person {
  /** What the browser has complained about: errors, and what the page's policy forbids. */
  readonly problems: string[] = [];

  private constructor(
    readonly page: Page,
    readonly url: string,
  ) {
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !networkNews.test(message.text())) this.problems.push(message.text());
    });
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

/** A way to the server that can be cut. Requests below `/games` reach it without that prefix, as through a proxy. */
export interface Line extends AsyncDisposable {
  readonly url: string;
  /** From now on it leads to this server. */
  to(url: string): void;
  /** Cuts all connections; with `down` no new ones are made until `up`. */
  cut(): void;
  down(): void;
  /** What the server says on the connections that there are does not arrive. */
  deafen(): void;
  up(): void;
}

export async function openLine(url: string): Promise<Line> {
  let [port, isUp] = [Number(new URL(url).port), true];
  const sockets = new Set<Socket>();
  const deaf = new WeakSet<Socket>();
  const server = createServer((client) => {
    if (!isUp) return void client.destroy();
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => upstream.write(chunk.toString('latin1').replace(/^GET \/games\//, 'GET /'), 'latin1'));
    upstream.on('data', (chunk) => deaf.has(upstream) || client.write(chunk));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const close = async (): Promise<void> => {
    cut();
    await new Promise((closed) => server.close(closed));
  };
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    to: (next) => {
      port = Number(new URL(next).port);
    },
    cut,
    down: () => {
      isUp = false;
      cut();
    },
    deafen: () => {
      for (const socket of sockets) deaf.add(socket);
    },
    up: () => {
      isUp = true;
    },
    [Symbol.asyncDispose]: close,
  };
}
