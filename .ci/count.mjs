// node count.mjs <jest's report> <jest's exit code>: prints "N passed, N failed"; fails unless tests ran and all passed.
import { readFileSync } from 'node:fs';

const [path, exitCode] = process.argv.slice(2);

/** A suite that did not load, or a run that ended without a report, counts as one failure. */
function count() {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(path, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const { passed, failed } = count();
const unexplained = failed === 0 && (exitCode !== '0' || passed === 0) ? 1 : 0;
console.log(`${passed} passed, ${failed + unexplained} failed`);
process.exitCode = failed + unexplained > 0 ? 1 : 0;
