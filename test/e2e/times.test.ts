/** Times that 64 bits of nanoseconds do not hold: the content always comes, the time as the nearest one, told. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { NEWEST_NS, OLDEST_NS } from '../../src/events/stored-time.js';
import { scratchDirectory } from '../fs/scratch.js';
import { Box, sh, testWhere } from './hkfs.js';

const SHM = '/dev/shm';
/** Seconds since 1970: the year 36812 and its like before. */
const FAR = 1n << 40n;
const SECOND = 1_000_000_000n;

function holds(seconds: bigint): boolean {
  try {
    const path = join(fs.mkdtempSync(join(SHM, 'hkfs-times-')), 'file');
    sh(`touch -d @${seconds} '${path}'`);
    const { mtimeNs } = fs.lstatSync(path, { bigint: true });
    fs.rmSync(join(path, '..'), { recursive: true });
    return mtimeNs === seconds * SECOND;
  } catch {
    return false;
  }
}

const farTest = testWhere(holds(FAR) && holds(-FAR), `needs a tmpfs with 64-bit times at ${SHM}`);
const scratch = scratchDirectory();
let shm: string;
let box: Box;
beforeAll(() => void (shm = fs.existsSync(SHM) ? fs.mkdtempSync(join(SHM, 'hkfs-times-')) : ''));
afterAll(() => void (shm && fs.rmSync(shm, { recursive: true })));
beforeEach(() => void (box = Box.make(scratch.path)));

/** Names and the seconds of their times: two that fit, and two that do not. */
const TIMES: Readonly<Record<string, bigint>> = {
  late: FAR,
  early: -FAR,
  last: 9_223_372_036n,
  first: -9_223_372_036n,
};
const KEPT: Readonly<Record<string, bigint>> = {
  late: NEWEST_NS,
  early: OLDEST_NS,
  last: 9_223_372_036n * SECOND,
  first: -9_223_372_036n * SECOND,
};
const WARNING =
  /^hkfs: warning: 4 entries have times before 1677-09-21 or after 2262-04-11: kept as the nearest of these \[TIME_OUT_OF_RANGE\]\n$/;

/** Files with contents, empty ones, and a directory and a symlink, of each time. */
function write(source: string): void {
  fs.mkdirSync(source);
  for (const [name, seconds] of Object.entries(TIMES)) {
    fs.writeFileSync(join(source, name), `content of ${name}`);
    fs.writeFileSync(join(source, `${name}-empty`), '');
    sh(`touch -d @${seconds} ${name} ${name}-empty`, source);
  }
}

function mtimeOf(path: string): string {
  return box.stat(path).entry!.mtimeNs;
}

function expectKept(directory: string): void {
  for (const [name, ns] of Object.entries(KEPT))
    for (const suffix of ['', '-empty']) expect(mtimeOf(`${directory}/${name}${suffix}`)).toBe(String(ns));
  for (const name of Object.keys(TIMES))
    expect(box.run('cat', `${directory}/${name}`).stdout).toBe(`content of ${name}`);
}

for (const mode of ['copy', 'link', 'assimilate', 'move'])
  farTest(
    `--mode ${mode}: contents come, times are the nearest, one warning, and nothing is new again`,
    () => {
      const path = fs.mkdtempSync(join(shm, 'box-'));
      box = new Box(path, join(path, 'archive'), join(path, 'source'));
      box.run('init', box.root);
      write(box.source);
      const { run, summary } = box.ingestWith({}, box.source, '--mode', mode);
      expect(run).toMatchObject({ status: 0, stderr: expect.stringMatching(WARNING) });
      expect(summary).toMatchObject({ files: 8, newObjects: 4, failed: [] });
      expectKept('source');
      if (mode === 'move') expect(fs.existsSync(box.source)).toBe(false);
      else expect(box.ingest('--mode', mode)).toMatchObject({ newObjects: 0, unchangedFiles: 8 });
      expect(box.run('sync', '--dry-run', '--json').stdout).not.toContain('"change":');
      box.expectSound();
      box.expectReplayed();
    },
  );

farTest('a tar of the same files gives the same times and the same warning', () => {
  write(join(shm, 'tarred'));
  const tar = join(box.path, 'far.tar');
  sh(`tar -C '${shm}' --format=pax -cf '${tar}' tarred`);
  const { run } = box.ingestWith({}, tar);
  expect(run).toMatchObject({ status: 0, stderr: expect.stringMatching(WARNING) });
  expectKept('far/tarred');
});

farTest('a restore brings the nearest times, and tells those that its file system does not hold', () => {
  write(join(shm, 'restored'));
  box.ingestWith({}, join(shm, 'restored'));
  const onTmpfs = box.runWith({}, 'restore', 'restored', '--to', join(shm, 'out'));
  expect(onTmpfs.status).toBe(0);
  for (const [name, ns] of Object.entries(KEPT))
    expect(fs.lstatSync(join(shm, 'out/restored', name), { bigint: true }).mtimeNs).toBe(ns);
  const { run, summary } = box.restore('restored', 'out');
  const got = fs.lstatSync(join(box.path, 'out/restored/early'), { bigint: true }).mtimeNs;
  if (got === OLDEST_NS) return; // this file system holds it as well
  expect(run.status).toBe(3);
  expect(summary.failed).toMatchObject([{ code: 'ERANGE', message: expect.stringContaining('mtime') }]);
});

farTest('contains and --same-as answer for them as for any other file', () => {
  write(join(shm, 'asked'));
  box.ingestWith({}, join(shm, 'asked'));
  expect(box.run('contains', join(shm, 'asked')).status).toBe(0);
  expect(box.rows('find', '--same-as', join(shm, 'asked/late'))).toHaveLength(1);
});

for (const year of [1890, 1969, 2100])
  test(`an empty file of ${year} keeps its time, and a sync finds nothing that a person changed`, () => {
    box.write({ empty: '' });
    const tar = join(box.path, 'old.tar');
    sh(`tar -C '${box.source}' --format=pax --mtime=${year}-07-01T00:00:00Z -cf '${tar}' empty`);
    box.ingest(tar);
    expect(box.run('sync', '--json').status).toBe(0);
    expect(mtimeOf('old/empty')).toBe(`${BigInt(Date.parse(`${year}-07-01T00:00:00Z`)) * 1_000_000n}`);
  });
