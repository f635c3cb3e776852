'use strict';
/**
 * Loads a CommonJS file with the code that V8 compiled of it at build time, which lies beside it: Node
 * has a compile cache of its own only from 22.1 on (docs/decisions/0001-start-up.md). Where the cache is
 * missing or of another V8, the file is compiled as ever.
 */
const { readFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

/** @returns what the file exports, and its script */
exports.load = (file) => {
  const script = new Script(wrap(readFileSync(file, 'latin1')), {
    filename: file,
    cachedData: cacheOf(file),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  return { exports: module.exports, script };
};

function cacheOf(file) {
  try {
    return readFileSync(`${file}.cache`);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
