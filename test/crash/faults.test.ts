/** Errors of the file systems at every step: a clear line, the right exit status, an archive that goes on. */
import { mkdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { IngestSummary } from '../../src/archive/api.js';
import { describe as say, hkfs, withArchive } from './hkfs.js';
import { heavyTest, isHeavy, randomFrom, seed } from './random.js';
import { expectHolds, expectMended, expectSound, ingestOnce, operationsOf, type Mode } from './soundness.js';
import { makeSource, snapshotOf, type Snapshot } from './source-tree.js';

async function withSource(
  use: (place: { archive: string; source: string; snapshot: Snapshot }) => Promise<void>,
): Promise<void> {
  await withArchive(async (archive, source) => {
    mkdirSync(source);
    makeSource(source, { random: randomFrom(seed), files: 60 });
    await use({ archive, source, snapshot: snapshotOf(source, 'source') });
  });
}

/** An error that ends the command: failpoint, mode, exit status, code. */
const ENDS: readonly [failpoint: string, mode: Mode, status: number, code: string][] = [
  ['stage.write=ENOSPC@9', 'copy', 2, 'NO_SPACE'],
  ['stage.open=EDQUOT@3', 'copy', 2, 'NO_SPACE'],
  ['stage.open=EACCES@3', 'copy', 2, 'NO_PERMISSION'],
  ['stage.write=EIO@9', 'copy', 4, 'IO_ERROR'],
  ['object.name=ENOSPC@5', 'copy', 2, 'NO_SPACE'],
  ['object.name=EIO@5', 'link', 4, 'IO_ERROR'],
  ['commit.sync=EIO@1', 'copy', 4, 'IO_ERROR'],
  ['commit.append=ENOSPC@1', 'copy', 2, 'NO_SPACE'],
  ['commit.append=ENOSPC@2', 'copy', 2, 'NO_SPACE'],
  ['commit.append=EIO@2', 'move', 4, 'IO_ERROR'],
  ['commit.append=ENOSPC@3', 'copy', 2, 'NO_SPACE'],
  ['commit.views=EIO@2', 'copy', 4, 'IO_ERROR'],
  ['tree.apply=ENOSPC@20', 'copy', 2, 'NO_SPACE'],
  ['tree.apply=EROFS@20', 'link', 2, 'READ_ONLY'],
  ['commit.tree=EROFS@2', 'assimilate', 2, 'READ_ONLY'],
];
const SMALL = ['stage.write=ENOSPC@9'];

test.each(ENDS.filter(([failpoint]) => isHeavy || SMALL.includes(failpoint)))(
  '%s in a %s ends it with exit %d %s, and the same command goes on',
  (failpoint, mode, status, code) =>
    withSource(async ({ archive, source, snapshot }) => {
      const ended = await hkfs(['ingest', source, '--mode', mode, '-a', archive], { failpoint });
      expect(say(ended)).toMatch(new RegExp(`^ended with ${status}\n`));
      expect(ended.stderr).toMatch(new RegExp(`^hkfs: .*\\[${code}\\]\nhint: `, 'm'));
      const [operation] = await operationsOf(archive);
      expect([undefined, 'failed', 'interrupted']).toContain(operation?.status);
      await expectMended(archive);

      await ingestOnce(archive, source, mode);
      await expectHolds(archive, snapshot);
      await expectSound(archive);
    }),
  60_000,
);

/** The inode cannot be linked: its bytes are copied instead. */
heavyTest.each(['EXDEV', 'EMLINK', 'EPERM'])('%s when a source is linked: its bytes are copied', (errno) =>
  withSource(async ({ archive, source, snapshot }) => {
    const failpoint = `stage.link=${errno}@7`;
    const ended = await hkfs(['ingest', source, '--mode', 'link', '-a', archive], { failpoint });
    expect(say(ended)).toMatch(/^ended with 0\n/);
    await expectHolds(archive, snapshot);
    await expectSound(archive);
  }),
);

test('EIO when one source is read: it is listed, exit 3, and the next ingest takes it in', () =>
  withSource(async ({ archive, source, snapshot }) => {
    const failpoint = 'source.read=EIO@20';
    const ended = await hkfs(['ingest', source, '-a', archive, '--json'], { failpoint });
    expect(say(ended)).toMatch(/^ended with 3\n/);
    const { failed } = JSON.parse(ended.stdout) as IngestSummary;
    expect(failed.length).toBeGreaterThan(0);
    for (const { path, code } of failed) {
      expect(code).toBe('EIO');
      expect(ended.stderr).toContain(`${path}: not ingested`);
    }
    await expectSound(archive);
    await ingestOnce(archive, source, 'copy');
    await expectHolds(archive, snapshot);
  }));

test('EACCES at one name of the tree: it is told with its code, and the next command puts it there', () =>
  withSource(async ({ archive, source }) => {
    const failpoint = 'tree.link=EACCES@9';
    const ended = await hkfs(['ingest', source, '-a', archive], { failpoint });
    expect(say(ended)).toMatch(/^ended with 3\n/);
    expect(ended.stderr).toMatch(/warning: .*: not put into the tree: .*\[EACCES\]/);
    await expectSound(archive);
  }));

heavyTest.each(['move', 'assimilate'] as const)(
  'EIO when a source is released by %s: it stays, and is told',
  (mode) =>
    withSource(async ({ archive, source, snapshot }) => {
      const failpoint = 'source.release=EIO@2';
      const ended = await hkfs(['ingest', source, '--mode', mode, '-a', archive], { failpoint });
      expect(ended.stderr).toMatch(/warning: .*: stays: .*\[EIO\]/);
      await expectHolds(archive, snapshot);
      await ingestOnce(archive, source, mode);
      await expectHolds(archive, snapshot);
      await expectSound(archive);
    }),
);
