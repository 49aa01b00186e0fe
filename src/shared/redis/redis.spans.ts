import type { Command, Redis } from 'ioredis';
import { kindOfError } from '../tracing/in-span';
import { currentContext } from '../tracing/request-context';
import type { RedisClient } from './redis.client';

/** Makes a span of each command that is sent for something that is recorded. Keys are no part of it: they name players. */
export function traceCommands(client: RedisClient): void {
  // A cluster's takes a node behind the stream.
  const sender = client as Redis;
  const send = sender.sendCommand.bind(sender);
  sender.sendCommand = (command: Command, ...rest) => {
    const name = command.name.toUpperCase();
    const span = currentContext()?.span?.child(name, 'client', {
      'db.system.name': 'redis',
      'db.operation.name': name,
    });
    if (span)
      command.promise.then(
        () => span.end(),
        (error: unknown) => span.end(kindOfError(error)),
      );
    return send(command, ...rest);
  };
}
