// Calls between processes by the application's own clients, from its dist: one gRPC call for each, gRPC in groups on one
// stream, HTTP. `send(item, done)`, `done(ok, status)`.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const deadlineMs = 5000;

const senders = {
  'grpc-unary': (target, made) => {
    const channel = channelTo(target, made);
    return { send: (message) => channel.unary(made.method, message, {}, deadlineMs), close: () => close(channel) };
  },
  'grpc-grouped': (target, made) => {
    const channel = channelTo(target, made);
    return { send: (message) => channel.grouped(made.method, message, {}, deadlineMs), close: () => close(channel) };
  },
  http: ({ url }, { dist, contract, method, bearer }) => {
    const { httpSend } = require(join(dist, 'shared/remote/http.client.js'));
    const { send, close } = httpSend(url, { bearer });
    return { send: (message) => send(method, contract.routes[method], message, {}, deadlineMs), close };
  },
};

function channelTo({ grpcAddress }, { dist, contract, bearer }) {
  const { GrpcChannel } = require(join(dist, 'shared/remote/grpc.client.js'));
  return new GrpcChannel(contract, `grpc://${grpcAddress}`, { bearer });
}

function close(channel) {
  return channel[Symbol.asyncDispose]();
}

/** What each call must answer; anything else is told as its status. */
const outcomes = {
  check: ({ verdicts }) => (verdicts[0]?.decision === 'allow' ? 'OK' : `verdict ${verdicts[0]?.decision}`),
  getPlayer: ({ playerId }) => (playerId === undefined ? 'no player' : 'OK'),
};

/** `calls`: `{ dist, method, bearer }`, of fairness. As many are under way at a time as there are `connections`. */
export function callsWire(target, { connections, kind, calls }) {
  const { fairnessContract: contract } = require(join(calls.dist, 'features/fairness/fairness.api.js'));
  const sender = senders[kind](target, { ...calls, contract });
  const outcomeOf = outcomes[calls.method];
  const call = async (message, done) => {
    const status = await sender.send(message).then(outcomeOf, ({ code }) => `error ${code}`);
    done(status === 'OK', status);
  };
  return {
    concurrency: connections,
    encode: (message) => ({ message }),
    send: ({ message }, done) => void call(message, done),
    close: () => void sender.close(),
  };
}
