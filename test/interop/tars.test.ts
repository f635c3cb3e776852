/** Tars of other projects, with GNU tar as the oracle; what differs is listed here and in docs/tars.md. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { walkAttributes, type Walked } from '../e2e/attribute-walk.js';
import { Box, testWhere } from '../e2e/hkfs.js';
import { hasTool, isRoot, scratchDirectory } from '../fs/scratch.js';

const FIXTURES = join(import.meta.dirname, '../../../shared/fixtures/tar');
const scratch = scratchDirectory();
const isHere = existsSync(FIXTURES) && hasTool('tar') && isRoot;
const withFixtures = testWhere(isHere, `needs root, GNU tar and ${FIXTURES}`);
const tars = isHere
  ? readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.t(ar|gz|ar\.gz)$/.test(path))
      .sort()
  : ['none'];

/** Left alone by the comparison: GNU tar gives these the time of the extraction. */
const IMPLIED = { mtimeNs: 0n, mode: '' };

withFixtures.each(tars)('%s: the tree that GNU tar extracts', (name) => {
  const box = Box.make(scratch.path);
  const tar = join(FIXTURES, name);
  const extracted = join(box.path, 'extracted');
  mkdirSync(extracted);
  const gnu = spawnSync('tar', [
    '--numeric-owner',
    '--xattrs',
    '--xattrs-include=*',
    '--acls',
    '-xpf',
    tar,
    '-C',
    extracted,
  ]);
  const { run, summary } = box.ingestWith({}, tar, '--to', 'tree');
  if (run.status === 2) {
    expect(gnu.status).toBe(2);
    return;
  }
  expect([0, 3]).toContain(run.status);
  if (gnu.status === 0) expect({ name, failed: summary.failed }).toEqual({ name, failed: [] });
  box.restore('tree/', 'restored');
  expect(comparable(join(box.path, 'restored'))).toEqual(comparable(extracted));
  box.expectSound();
});

/** Directories that only a name implies have the time at which they were made. */
function comparable(root: string): Record<string, Walked> {
  const walked = walkAttributes(root);
  const now = BigInt(Date.now() - 600_000) * 1_000_000n;
  delete walked['.'];
  return Object.fromEntries(
    Object.entries(walked).map(([path, entry]) => [
      path,
      entry.mtimeNs > now ? { ...entry, ...IMPLIED } : entry,
    ]),
  );
}
