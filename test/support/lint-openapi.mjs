import { text } from 'node:stream/consumers';
import { createConfig, lintFromString } from '@redocly/openapi-core';

// Reads an OpenAPI document and writes what redocly says of it, as JSON. A process of its own: the linter is an ES module,
// which Jest cannot load. All recommended rules, none of them off.
const config = await createConfig({ extends: ['recommended'] });
const problems = await lintFromString({ source: await text(process.stdin), config });
process.stdout.write(JSON.stringify(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)));
