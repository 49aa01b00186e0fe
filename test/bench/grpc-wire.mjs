// The two ways to send a prepared request over gRPC: `send(item, done)`, `done(ok, status)`.
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const proto = fileURLToPath(new URL('../../proto', import.meta.url));
const streams = 8;
const windowPerStream = 8;

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

function encoderOf({ requestSerialize }) {
  return (item) => ({ ...item, body: undefined, bytes: requestSerialize(message(item)) });
}

/** Unary calls over one connection. */
export function unaryWire({ grpcAddress }, { connections }) {
  const { client, definition } = grpcClient(grpcAddress);
  const { path } = definition.Ingest;
  return {
    concurrency: connections,
    encode: encoderOf(definition.Ingest),
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
  const { path } = definition.IngestStream;
  const lines = Array.from({ length: streams }, () => lineOf(client, path));
  return {
    concurrency: streams * windowPerStream,
    encode: encoderOf(definition.IngestStream),
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

function lineOf(client, path) {
  const call = client.makeBidiStreamRequest(path, bytesAsTheyAre, bytesAsTheyAre);
  const waiting = [];
  call.on('data', (answer) => {
    // An answer without a hundred results is an error for the whole message.
    const whole = answer.length > 1000;
    waiting.shift()?.(whole && !answer.includes('rejected') && !answer.includes('duplicate'), 'OK');
  });
  call.on('error', (error) => {
    for (const done of waiting.splice(0)) done(false, `grpc ${error.code}`);
  });
  return { call, waiting };
}
