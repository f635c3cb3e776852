/**
 * Leaves beside the bundle what V8 compiled of it for a query, for versions of Node without a compile
 * cache of their own. Runs in a process of its own, whose output is nobody's. Usage: code-cache BUNDLE
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [, , bundle] = process.argv;
const { load } = createRequire(import.meta.url)('../../bin/load.js');
const scratch = mkdtempSync(join(tmpdir(), 'hkfs-build-'));
try {
  const { exports, script } = load(bundle);
  for (const argv of [['init', scratch], ['ls', '--archive', scratch], ['--version']])
    await exports.main(argv);
  writeFileSync(`${bundle}.cache`, script.createCachedData());
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
