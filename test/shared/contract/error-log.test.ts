import type { ArgumentsHost } from '@nestjs/common';
import { ErrorFilter } from '../../../src/shared/contract/error.filter';
import { internal, unavailable, validationFailed } from '../../../src/shared/errors/common.errors';
import { recordingLogger } from '../../support/recording-logger';

// What the log says of errors: nothing of a caller's mistakes, everything of ours, and no flood of stacks in an outage.

const call = { getType: () => 'rpc' } as ArgumentsHost;

test('each refused call has a line with its reason, one in a second has the stack; what nobody foresaw always has', () => {
  const { logger, lines } = recordingLogger();
  const filter = new ErrorFilter(logger);
  for (let i = 0; i < 3; i += 1) filter.catch(unavailable(new Error('connect ECONNREFUSED')), call);
  for (let i = 0; i < 2; i += 1) filter.catch(internal(new Error('a bug')), call);
  filter.catch(validationFailed([{ field: 'name', message: 'is missing' }]), call);
  const told = lines.map(({ level, message, code, reason, err }) => [level, message, code, reason, err !== undefined]);
  expect(told).toEqual([
    ['warn', 'request_refused', 'unavailable', undefined, true],
    ['warn', 'request_refused', 'unavailable', 'connect ECONNREFUSED', false],
    ['warn', 'request_refused', 'unavailable', 'connect ECONNREFUSED', false],
    ['error', 'request_failed', 'internal', undefined, true],
    ['error', 'request_failed', 'internal', undefined, true],
  ]);
});
