/** Which test files have a heavy form, and what lets them show it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** What the files of each suite are run with. */
export const ENVIRONMENTS = {
  crash: { HKFS_SUITE: 'heavy', HKFS_HEAVY: '1' },
  interop: { HKFS_SUITE: 'heavy', HKFS_HEAVY: '1' },
  // Without HKFS_SUITE, so that they may work in memory.
  long: { HKFS_HEAVY: '1' },
};

const SWITCH = /HKFS_HEAVY|HKFS_SUITE/;
const IMPORT = /from '(\.{1,2}\/[^']+)\.js'/g;

/**
 * All of test/crash, of what is named `.faults.test.ts` and of test/interop, and whatever else asks for a heavy form, itself or by what it imports: nobody
 * has to keep a list.
 *
 * @param {string} root of the checkout
 */
export function heavyFiles(root) {
  const seen = new Map();
  return testFiles(join(root, 'test'))
    .map((path) => ({ suite: suiteOf(path, root, seen), file: relative(root, path) }))
    .filter(({ suite }) => suite !== undefined);
}

function testFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name));
}

function suiteOf(path, root, seen) {
  if (path.endsWith('.faults.test.ts')) return 'crash';
  for (const suite of ['crash', 'interop']) if (path.startsWith(join(root, 'test', suite, '/'))) return suite;
  return hasHeavyForm(path, join(root, 'test'), seen) ? 'long' : undefined;
}

function hasHeavyForm(path, within, seen) {
  if (seen.has(path)) return seen.get(path);
  // What imports itself in a ring has what the others of the ring have.
  seen.set(path, false);
  const text = path.startsWith(within) && existsSync(path) ? readFileSync(path, 'utf8') : '';
  const imports = [...text.matchAll(IMPORT)].map(([, name]) => join(dirname(path), `${name}.ts`));
  const has = SWITCH.test(text) || imports.some((each) => hasHeavyForm(each, within, seen));
  seen.set(path, has);
  return has;
}
