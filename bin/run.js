#!/usr/bin/env node
'use strict';
// CommonJS: loading an ES module costs 7 ms more (docs/decisions/0001-start-up.md).
const { enableCompileCache } = require('node:module');

const bundle = require.resolve('../dist/bundle/hkfs.cjs');
enableCompileCache?.();
const { main } = enableCompileCache ? require(bundle) : require('./load.js').load(bundle).exports;
main(process.argv.slice(2));
