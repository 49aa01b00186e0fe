import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { pathOf } from './programs';

// Chromium says so of every connection that is cut.
const networkNews = /^WebSocket connection to .* failed|net::ERR_/;
const script = readFileSync(`${__dirname}/in-page.js`, 'utf8').replaceAll('export ', '');

/** Debian's Chromium. As root it has no sandbox of its own. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: pathOf('chromium'), args: ['--no-sandbox'] });
}

/** What the browser complains about from now on: errors, and what the page's policy forbids; but not what is `expected`. */
export function problemsOf(page: Page, expected = networkNews): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) problems.push(message.text());
  });
  return problems;
}

/** What has the focus, and whether that can be seen. */
export function focused(page: Page): Promise<string> {
  return inPage(page, 'focused');
}

/** Texts that are drawn, whose contrast with what is behind them is less than WCAG AA wants. */
export function faint(page: Page): Promise<string[]> {
  return inPage(page, 'faint');
}

/** Runs one of the functions of in-page.js in the page. */
function inPage<Answer>(page: Page, name: string): Promise<Answer> {
  return page.evaluate<Answer>(`(() => { ${script}; return ${name}(); })()`);
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
