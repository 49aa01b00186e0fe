import { z } from 'zod';
import { features } from '../../../src/features/index';
import { ConfigError } from '../../../src/shared/config/config.errors';
import { decimal } from '../../../src/shared/config/config.values';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';
import { type Configured, settings } from '../../../src/shared/config/settings';

// A feature may listen on a port of its own: no two listeners have one port, and what platforms set is not meant for it.

class ParrotSettings extends settings({ PARROT_PORT: decimal(0, 65535).default(7070).describe('') }, (env) => ({
  port: env.PARROT_PORT,
})) {}
const parrot: Configured = {
  contract: { name: 'parrot', token: ParrotSettings },
  settings: ParrotSettings,
  ports: (env) => [{ variable: 'PARROT_PORT', port: z.number().parse(env.PARROT_PORT) }],
};
const all = [...features, parrot];

function problems(environment: RawEnvironment): readonly unknown[] {
  try {
    loadConfig(environment, all);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.variables;
    throw error;
  }
}

test.each<[RawEnvironment, string, string]>([
  [{ PARROT_PORT: '8080' }, 'PARROT_PORT', 'HTTP_PORT'],
  [{ PARROT_PORT: '9090' }, 'PARROT_PORT', 'GRPC_PORT'],
  [{ HTTP_PORT: '7070' }, 'PARROT_PORT', 'HTTP_PORT'],
  [{ HTTP_PORT: '9090' }, 'GRPC_PORT', 'HTTP_PORT'],
])('%j: two listeners on one port, and both are named', (environment, name, other) => {
  expect(problems(environment)).toEqual([{ name, reason: `is the same as ${other}` }]);
});

test.each<RawEnvironment>([
  {},
  { HTTP_PORT: '0', GRPC_PORT: '0', PARROT_PORT: '0' },
  { PARROT_PORT: '9090', GRPC_ENABLED: 'false' },
  { PARROT_PORT: '8080', MODULES: 'users' },
])('%j is right', (environment) => expect(problems(environment)).toEqual([]));

test('a link of a platform is no port', () => {
  const { settings: found } = loadConfig({ PARROT_PORT: 'tcp://10.0.0.1:7070' }, all);
  expect(found.get(ParrotSettings)).toEqual({ port: 7070 });
});
