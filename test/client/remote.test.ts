import { progressionContract } from '../../src/features/progression/progression.api';
import { usersContract } from '../../src/features/users/users.api';
import { AppError } from '../../src/shared/errors/app-error';
import { unavailable, validationFailed } from '../../src/shared/errors/common.errors';
import { grpcClient } from '../../src/shared/remote/grpc.client';
import { httpClient } from '../../src/shared/remote/http.client';
import { type RemoteOptions, remote, type Send } from '../../src/shared/remote/remote';
import { runInContext } from '../../src/shared/tracing/request-context';
import { type FlakyServer, flakyServer, progress } from '../support/flaky-server';
import { freePort } from '../support/processes';

const clients = { http: httpClient, grpc: grpcClient };
const player = { playerId: 'player-1' };

function progressionOf(wire: 'http' | 'grpc', url: string, options?: RemoteOptions) {
  return clients[wire](progressionContract, url, options);
}

/** The error of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<AppError> {
  const error = await call.then(
    () => new Error('The call should have failed'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error;
  return error;
}

describe.each(['http', 'grpc'] as const)('a call over %s', (wire) => {
  let server: FlakyServer;

  afterEach(() => server[Symbol.asyncDispose]());

  it('tries a read again when its connection was cut', async () => {
    server = await flakyServer(wire, 'cut', 'cut', 'answer');
    await using api = progressionOf(wire, server.url);
    expect(await api.getProgress(player)).toEqual(progress);
    expect(server.requests).toHaveLength(3);
  });

  it('tries a read again when the server could not answer just then', async () => {
    const busy = new AppError('unavailable', 'unavailable', 'Busy', { retryAfterMs: 1000 });
    server = await flakyServer(wire, busy, 'answer');
    await using api = progressionOf(wire, server.url);
    const began = performance.now();
    expect(await api.getProgress(player)).toEqual(progress);
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
  });

  it('gives up after three tries', async () => {
    server = await flakyServer(wire, 'cut');
    await using api = progressionOf(wire, server.url);
    expect(await failure(api.getProgress(player))).toMatchObject({ kind: 'unavailable', code: 'unavailable' });
    expect(server.requests).toHaveLength(3);
  });

  it('does not try again what might then happen twice', async () => {
    server = await flakyServer(wire, 'cut');
    await using api = clients[wire](usersContract, server.url);
    expect((await failure(api.deleteUser({ id: '01M7YWEW53S2ZGJN43T38Z0ZT9' }))).kind).toBe('unavailable');
    expect(server.requests).toHaveLength(1);
  });

  it('does not try again what was refused', async () => {
    const refused = validationFailed([{ field: 'playerId', message: 'is not known here' }]);
    server = await flakyServer(wire, refused);
    await using api = progressionOf(wire, server.url);
    expect(await failure(api.getProgress(player))).toMatchObject({
      kind: 'invalid',
      code: 'validation_failed',
      message: refused.message,
      details: refused.details,
    });
    expect(server.requests).toHaveLength(1);
  });

  it('does not wait for a server that asks for longer than there is time', async () => {
    server = await flakyServer(wire, unavailable(undefined, 60_000));
    await using api = progressionOf(wire, server.url);
    expect((await failure(api.getProgress(player))).details.retryAfterMs).toBe(60_000);
    expect(server.requests).toHaveLength(1);
  });

  it('ends at its own deadline', async () => {
    server = await flakyServer(wire, 'hang');
    await using hasty = progressionOf(wire, server.url, { deadlineMs: 500 });
    await using patient = progressionOf(wire, server.url, { deadlineMs: 3000 });
    const order: string[] = [];
    const ended = async (name: string, api: ReturnType<typeof progressionOf>): Promise<void> => {
      expect(await failure(api.getProgress(player))).toMatchObject({ kind: 'deadline', code: 'deadline_exceeded' });
      order.push(name);
    };
    await Promise.all([ended('patient', patient), ended('hasty', hasty)]);
    expect(order).toEqual(['hasty', 'patient']);
    expect(server.requests).toHaveLength(2);
  });

  it('carries the trace id and the bearer secret', async () => {
    server = await flakyServer(wire, 'answer');
    await using api = progressionOf(wire, server.url, { bearer: 'a-secret' });
    await runInContext({ traceId: 'trace-of-the-caller' }, () => api.getProgress(player));
    expect(server.requests[0]).toMatchObject({ authorization: 'Bearer a-secret', 'x-trace-id': 'trace-of-the-caller' });
  });
});

describe.each(['http', 'grpc'] as const)('without a server, a call over %s', (wire) => {
  it('is unavailable, with what happened as the cause', async () => {
    await using api = progressionOf(wire, `${wire}://127.0.0.1:${await freePort()}`);
    const error = await failure(api.getProgress(player));
    expect(error.kind).toBe('unavailable');
    expect(error.cause).toBeDefined();
  });
});

it('has one deadline for all its tries', async () => {
  const given: number[] = [];
  const send: Send = async (_method, _route, _message, _meta, ms) => {
    given.push(ms);
    if (given.length === 1) throw unavailable(undefined, 500);
    return progress;
  };
  await using api = remote(progressionContract, send, async () => undefined, { deadlineMs: 60_000 });
  expect(await api.getProgress(player)).toEqual(progress);
  const [first = 0, second = 0] = given;
  // A timer may be a millisecond early.
  expect(second).toBeLessThanOrEqual(first - 499);
});

it('refuses an empty path parameter before it sends anything', async () => {
  await using server = await flakyServer('http', 'answer');
  await using api = progressionOf('http', server.url);
  expect((await failure(api.getProgress({ playerId: '' }))).details.fields).toEqual([
    { field: 'playerId', message: 'is required' },
  ]);
  expect(server.requests).toHaveLength(0);
});

it('refuses what cannot be a header before it sends anything', async () => {
  await using server = await flakyServer('http', 'answer');
  await using api = progressionOf('http', server.url, { bearer: 'two\r\nlines' });
  expect((await failure(api.getProgress(player))).code).toBe('validation_failed');
  expect(server.requests).toHaveLength(0);
});
