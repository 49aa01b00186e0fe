// For NODE_OPTIONS=--require of an application under test: SQLite's driver was not compiled.
const Module = require('node:module');

const load = Module._load;
Module._load = function (name, ...rest) {
  if (name.startsWith('better-sqlite3')) throw new Error('Could not locate the bindings file');
  return load.call(this, name, ...rest);
};
