#!/usr/bin/env node
'use strict';
// CommonJS: loading an ES module costs 7 ms more (docs/decisions/0001-start-up.md).
const { enableCompileCache } = require('node:module');

enableCompileCache?.();
require('../dist/bundle/hkfs.cjs').main(process.argv.slice(2));
