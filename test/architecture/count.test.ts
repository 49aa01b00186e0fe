import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { plant, temporaryFolder } from './planted';

const script = join(__dirname, '../../.ci/count.mjs');
const report = (passed: number, failed: number, broken = 0) =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numRuntimeErrorTestSuites: broken });

describe('.ci/count.mjs', () => {
  it.each([
    ['all pass', report(3, 0), '0', '3 passed, 0 failed', 0],
    ['one fails', report(2, 1), '1', '2 passed, 1 failed', 1],
    ['a suite does not load', report(2, 0, 1), '1', '2 passed, 1 failed', 1],
    ['no test ran', report(0, 0), '0', '0 passed, 1 failed', 1],
    ['all pass and jest fails all the same', report(3, 0), '1', '3 passed, 1 failed', 1],
    ['jest wrote no report', '', '1', '0 passed, 1 failed', 1],
  ])('%s', async (_, text, exitCode, line, status) => {
    await using folder = await temporaryFolder();
    await plant(folder.path, { 'jest.json': text });
    const counted = spawnSync(process.execPath, [script, join(folder.path, 'jest.json'), exitCode], {
      encoding: 'utf8',
    });
    expect([counted.stdout, counted.status]).toEqual([`${line}\n`, status]);
  });
});
