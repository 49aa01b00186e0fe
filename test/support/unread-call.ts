import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';

const frameHead = 5;

/**
 * A gRPC stream over bare HTTP/2 that reads nothing until it is told: grpc-js reads ahead without a bound, so that the
 * server never feels a slow reader.
 */
export class UnreadCall {
  /** Messages as bytes. */
  readonly answers: Buffer[] = [];
  /** The `grpc-status` that ended it. */
  readonly ended: Promise<number>;
  private readonly session: ClientHttp2Session;
  private readonly stream: ClientHttp2Stream;
  private received = Buffer.alloc(0);

  constructor(address: string, path: string) {
    this.session = connect(`http://${address}`);
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    this.stream = this.session.request(headers);
    this.ended = new Promise((resolve) => {
      this.stream.on('trailers', (trailers) => resolve(Number(trailers['grpc-status'])));
      this.stream.on('close', () => resolve(-1));
    });
  }

  send(message: Buffer): void {
    const head = Buffer.alloc(frameHead);
    head.writeUInt32BE(message.length, 1);
    this.stream.write(Buffer.concat([head, message]));
  }

  /** Bytes that the server has not taken yet. */
  get unsent(): number {
    return this.stream.writableLength;
  }

  end(): void {
    this.stream.end();
  }

  read(): void {
    this.stream.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      for (;;) {
        const length = this.received.length < frameHead ? Number.POSITIVE_INFINITY : this.received.readUInt32BE(1);
        if (this.received.length < frameHead + length) return;
        this.answers.push(this.received.subarray(frameHead, frameHead + length));
        this.received = this.received.subarray(frameHead + length);
      }
    });
  }

  close(): void {
    this.session.destroy();
  }
}
