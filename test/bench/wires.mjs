// The three ways to send a prepared request, as cheaply as Node can: `send(item, done)`, `done(ok, status, accepted)`.

import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Pool } from 'undici';

const connections = 64;
const proto = fileURLToPath(new URL('../../proto', import.meta.url));
const streams = 8;
const windowPerStream = 8;

/** HTTP/1.1 over 64 kept connections, one request at a time on each. */
export function httpWire({ url }, path) {
  const pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 30_000 });
  const isBatch = path !== '/events';
  return {
    concurrency: isBatch ? 8 : connections,
    send: (item, done) => {
      const signature = `t=${item.timestamp},v1=${item.signature}`;
      const headers = ['content-type', 'application/json', 'idempotency-key', item.id, 'x-signature', signature];
      pool.dispatch({ path, method: 'POST', headers, body: item.body }, new Handler(isBatch, done, item));
    },
    close: () => pool.destroy(),
  };
}

class Handler {
  #status = 0;
  #chunks = [];

  constructor(isBatch, done, item) {
    this.isBatch = isBatch;
    this.done = done;
    this.item = item;
  }

  onConnect() {}

  onHeaders(status) {
    this.#status = status;
    return true;
  }

  onData(chunk) {
    if (this.isBatch) this.#chunks.push(chunk);
    return true;
  }

  onComplete() {
    if (!this.isBatch) this.done(this.#status === 202, this.#status);
    else this.done(this.#status === 200 && allAccepted(Buffer.concat(this.#chunks)), this.#status);
  }

  onError(error) {
    this.done(false, error.code ?? error.name);
  }
}

// Ids are new, so any other word in the answer is a failure.
function allAccepted(bytes) {
  return !bytes.includes('"rejected"') && !bytes.includes('"duplicate"');
}

function grpcClient(address) {
  const file = 'aerie/events_gateway/v1/events_gateway.proto';
  const options = { longs: Number, defaults: true, arrays: true, includeDirs: [proto] };
  const definition = loadSync(file, options)['aerie.events_gateway.v1.EventsGatewayService'];
  return {
    client: new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
    definition,
  };
}

const bytesAsTheyAre = (bytes) => bytes;

function message({ id, timestamp, signature, body }) {
  return { id, timestamp, keyId: '', signatures: [signature], body };
}

/** Unary calls over one connection. */
export function grpcWire({ grpcAddress }) {
  const { client, definition } = grpcClient(grpcAddress);
  const { path, requestSerialize } = definition.Ingest;
  return {
    concurrency: connections,
    encode: (item) => ({ ...item, bytes: requestSerialize(message(item)) }),
    send: ({ bytes }, done) => {
      client.makeUnaryRequest(path, bytesAsTheyAre, bytesAsTheyAre, bytes, (error, answer) => {
        if (error) done(false, `grpc ${error.code}`);
        else done(answer.includes('accepted'), 'OK');
      });
    },
    close: () => client.close(),
  };
}

/** Messages over a few duplex streams, each with a window of unanswered ones. */
export function streamWire({ grpcAddress }) {
  const { client, definition } = grpcClient(grpcAddress);
  const { path, requestSerialize } = definition.IngestStream;
  const lines = Array.from({ length: streams }, () => {
    const call = client.makeBidiStreamRequest(path, bytesAsTheyAre, bytesAsTheyAre);
    const waiting = [];
    call.on('data', (answer) =>
      waiting.shift()?.(!answer.includes('rejected') && !answer.includes('duplicate') && answer.length > 1000, 'OK'),
    );
    call.on('error', (error) => {
      for (const done of waiting.splice(0)) done(false, `grpc ${error.code}`);
    });
    return { call, waiting };
  });
  return {
    concurrency: streams * windowPerStream,
    encode: (item) => ({ ...item, bytes: requestSerialize(message(item)) }),
    send: ({ bytes }, done) => {
      const line = lines.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a));
      line.waiting.push(done);
      line.call.write(bytes);
    },
    close: () => {
      for (const { call } of lines) call.end();
      client.close();
    },
  };
}
