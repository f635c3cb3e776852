/** Tars of other projects, with GNU tar as the oracle; what differs is listed here and in docs/tars.md. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { walkAttributes, type Walked } from '../e2e/attribute-walk.js';
import { Box, sh, testWhere } from '../e2e/hkfs.js';
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

const WEIRD = 'bareos/weird-files.tar.gz';

/** What GNU tar passes over without a word, and hkfs lists (docs/tars.md). */
const LISTED: Readonly<Record<string, readonly string[]>> = {
  'node-tar/links-strip.tar': ['TAR_TRUNCATED'],
  'node-tar/long-pax.tar': ['TAR_TRUNCATED'],
  'tar-rs/empty_filename.tar': ['BAD_MEMBER_NAME', 'TAR_TRUNCATED'],
  'tar-stream/gnu-long-path.tar': ['TAR_TRUNCATED'],
};

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
  box.restore('tree/', 'restored');
  const ours = comparable(join(box.path, 'restored'), extracted);
  const theirs = comparable(extracted, extracted);
  // What GNU tar gives up half way is held to names alone.
  if (gnu.status !== 0) return expectWithin(ours, theirs);
  expect(summary.failed.map(({ code }) => code)).toEqual(LISTED[name] ?? []);
  expect(ours).toEqual(theirs);
  box.expectSound();
});

withFixtures('weird files from the disk come out of an exported tar as they went in', () => {
  const box = Box.make(scratch.path);
  const unpack = "tar -p --xattrs --xattrs-include='*' --acls --numeric-owner";
  sh(`mkdir again; ${unpack} -xzf '${join(FIXTURES, WEIRD)}' -C source`, box.path);
  sh(`truncate -s 1M source/holes; printf x >>source/holes; ln -s "$(printf 'a\\351')" source/odd`, box.path);
  box.ingest();
  expect(box.run('export', 'source/', '-o', join(box.path, 'out.tar')).status).toBe(0);
  sh(`${unpack} -xf out.tar -C again`, box.path);
  expect(walkAttributes(join(box.path, 'again'))).toEqual(walkAttributes(box.source));
  // And in again: the same contents, under the same names.
  const back = box.ingest(join(box.path, 'out.tar'), '--to', 'back');
  expect(back).toMatchObject({ newObjects: 0, failed: [] });
  expect(box.restore('back/', 'restored').summary.failed).toEqual([]);
  expect(walkAttributes(join(box.path, 'restored'))).toEqual(walkAttributes(box.source));
});

function expectWithin(ours: Record<string, Walked>, theirs: Record<string, Walked>): void {
  expect(Object.keys(theirs)).toEqual(expect.arrayContaining(Object.keys(ours)));
}

/** Without the root, and without what GNU tar leaves as it was made: directories whose own member comes late. */
function comparable(root: string, theirs: string): Record<string, Walked> {
  const oracle = walkAttributes(theirs);
  const now = BigInt(Date.now() - 600_000) * 1_000_000n;
  const { '.': _root, ...walked } = walkAttributes(root);
  const isUnset = (path: string): boolean => (oracle[path]?.mtimeNs ?? 0n) > now;
  return Object.fromEntries(
    Object.entries(walked).map(([path, entry]) => [path, isUnset(path) ? { ...entry, ...IMPLIED } : entry]),
  );
}
