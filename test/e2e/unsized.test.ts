/** Files whose stat does not tell how many bytes they have: their bytes are what is read. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { releaseSources } from '../../src/fs/release.js';
import { StatTable } from '../../src/fs/stats.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, sh, testWhere } from './hkfs.js';

/** The stat of a file of procfs says 0, that of one of sysfs a page. */
const OSTYPE = '/proc/sys/kernel/ostype';
const SYSFS = ['/sys/kernel/mm/transparent_hugepage/enabled', '/sys/kernel/profiling', '/sys/kernel/fscaps'];
const PAGE = SYSFS.find((path) => fs.existsSync(path) && fs.statSync(path).size === 4096);
/** Megabytes, though its stat says 0. */
const LARGE = '/proc/kallsyms';

const procTest = testWhere(fs.existsSync(OSTYPE) && fs.statSync(OSTYPE).size === 0, 'needs /proc/sys');
const sysTest = testWhere(PAGE !== undefined, 'needs a file of sysfs');
const isLarge = fs.existsSync(LARGE) && fs.readFileSync(LARGE).length > 1 << 20;
const largeTest = testWhere(isLarge, 'needs /proc/kallsyms of more than a block');

const scratch = scratchDirectory();
let box: Box;
beforeEach(() => void (box = Box.make(scratch.path)));

function expectTaken(path: string): void {
  const bytes = fs.readFileSync(path);
  const name = path.slice(path.lastIndexOf('/') + 1);
  for (let time = 0; time < 2; time += 1) {
    const { files, newObjects, failed } = box.ingest(path);
    expect({ files, newObjects, failed }).toEqual({ files: 1, newObjects: time === 0 ? 1 : 0, failed: [] });
    expect(box.stat(name)).toMatchObject({ size: bytes.length });
    expect(box.run('cat', name).bytes.equals(bytes)).toBe(true);
  }
  expect(box.rows('find', '--same-as', path)).toMatchObject([{ path: name }]);
  expect(box.run('contains', path)).toMatchObject({ status: 0 });
  box.expectSound();
  box.expectReplayed();
}

procTest('a file whose stat says 0 is taken in with the bytes that are read, and is not new again', () => {
  expectTaken(OSTYPE);
});

sysTest('a file that is shorter than its stat says is taken in as it is', () => expectTaken(PAGE!));

largeTest('so is one of more than a block whose stat says 0', () => expectTaken(LARGE));

procTest('a dry run counts its bytes and stores nothing', () => {
  const before = box.head();
  expect(box.ingest(OSTYPE, '--dry-run')).toMatchObject({ files: 1, newObjects: 1, newBytes: 6 });
  expect(box.head()).toBe(before);
});

procTest('contains says that such a file is missing where its bytes are, and not that it is empty', () => {
  box.write({ empty: '' });
  box.ingest();
  const { status, stdout } = box.run('contains', OSTYPE, '--json');
  expect(status).toBe(1);
  expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({ path: OSTYPE, size: 6 });
});

procTest('one that reads otherwise each time is told as unstable, exit 3, and is nowhere', () => {
  const { run, summary } = box.ingestWith({}, '/proc/sys/kernel/random/uuid');
  expect(run.status).toBe(3);
  expect(summary.failed).toMatchObject([{ code: 'UNSTABLE' }]);
  expect(box.paths()).toEqual([]);
  expect(box.run('contains', '/proc/sys/kernel/random/uuid').stderr).toContain('UNSTABLE');
});

test('a file that is empty stays so: no object, and nothing new at the second time', () => {
  box.write({ empty: '' });
  expect(box.ingest()).toMatchObject({ files: 1, newObjects: 0, unchangedFiles: 0 });
  const [{ position: before }] = box.rows<{ position: number }>('log', '--limit', '1') as [
    { position: number },
  ];
  expect(box.ingest()).toMatchObject({ files: 1, newObjects: 0, unchangedFiles: 1 });
  const [{ position: after }] = box.rows<{ position: number }>('log', '--limit', '1') as [
    { position: number },
  ];
  expect(after - before).toBe(2); // the operation's two events
  expect(box.stat('source/empty')).toMatchObject({ size: 0, hash: null });
});

test('a file that was taken in and is empty by its stat only does not go with --mode move', () => {
  const path = fs.existsSync(OSTYPE) ? OSTYPE : '/proc/self/cmdline';
  const expected = new StatTable(1);
  expected.set(0, fs.lstatSync(path, { bigint: true }));
  const item = { path, object: null, relink: false, expected: expected.values, adopted: false };
  const staging = join(box.root, '.hkfs/staging');
  const block = Buffer.alloc(1 << 20);
  const context = { posix: null, block, zeros: block, onBlock: () => {} };
  const { failures } = releaseSources({ task: 'release', items: [item], staging }, context);
  expect(failures.get(0)).toMatchObject({ code: 'ESTALE', message: expect.stringContaining('bytes') });
});

const truncating = testWhere(sh('command -v truncate || true') !== '', 'needs truncate');
truncating('files of one block and around it are read whole, with holes or without', () => {
  const sizes = [1, 4095, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20];
  for (const size of sizes) {
    box.write({ [`full-${size}`]: Buffer.alloc(size, size % 251) });
    sh(`truncate -s ${size} sparse-${size}`, box.source);
  }
  expect(box.ingest()).toMatchObject({ files: 14, failed: [] });
  for (const size of sizes)
    for (const kind of ['full', 'sparse'])
      expect(
        box
          .run('cat', `source/${kind}-${size}`)
          .bytes.equals(fs.readFileSync(join(box.source, `${kind}-${size}`))),
      ).toBe(true);
  box.expectSound();
});
