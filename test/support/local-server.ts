import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on this machine that answers as somebody's service does. What it cannot answer ends the connection. */
export abstract class LocalServer implements AsyncDisposable {
  private readonly server = createServer((request, response) => {
    this.read(request, response).catch((error) => response.destroy(error as Error));
  });

  /** Answers its URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Answers a request whose body has come. */
  protected abstract serve(request: IncomingMessage, body: string, response: ServerResponse): Promise<void>;

  private async read(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await this.serve(request, Buffer.concat(chunks).toString(), response);
  }
}
