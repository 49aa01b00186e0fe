/** Jest's order of suites where it has no earlier times to go by: what takes minutes first, so that no worker ends alone. */
module.exports = class LongestFirst {
  sort(tests) {
    const weight = ({ path }) => (path.endsWith('exactly-once.test.ts') ? 2 : path.includes('/test/faults/') ? 1 : 0);
    return [...tests].sort((a, b) => weight(b) - weight(a) || size(b) - size(a) || (a.path < b.path ? -1 : 1));
  }

  allFailedTests(tests) {
    return tests;
  }

  shard(tests) {
    return tests;
  }

  async cacheResults() {
    // Every run is in the same order.
  }
};

function size({ path }) {
  return require('node:fs').statSync(path).size;
}
