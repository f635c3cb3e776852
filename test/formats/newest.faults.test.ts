/** The newest format, and archives of the first that become of it: as formats.test.ts, but slow. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { encodeCommit } from '../../src/events/commit-record.js';
import { commitUpTo } from '../../src/events/commit-scan.js';
import { commitKey, FORMAT_KEY } from '../../src/events/log-keys.js';
import { LOG_FORMAT } from '../../src/events/log-open.js';
import { withLevel } from '../crash/damage.js';
import { hkfs } from '../e2e/hkfs.js';
import { scratchDirectory } from '../fs/scratch.js';
import { holdTo } from './claims.js';
import { expectRows, expectSound, Fixture, headOf, rows, run } from './fixture.js';

const scratch = scratchDirectory();

describe('an archive of format 1 to which this hkfs appends', () => {
  const fixture = new Fixture('1');
  const key = fixture.file('archive.pub');

  test('has a log of format 2 from then on, and all that was said before holds', async () => {
    const archive = fixture.unpack('archive', scratch.path);
    run(archive, ['ls']);
    expect(await logFormat(archive)).toBe(1);
    run(archive, ['tag', 'upgraded']);
    expect(await logFormat(archive)).toBe(2);
    for (const name of ['early-head.txt', 'late-head.txt']) {
      const proof = join(scratch.path, `upgraded-${name}.proof`);
      run(archive, ['prove', '--since', fixture.file(name), '-o', proof]);
      run(archive, ['check-proof', proof, '--key', key, '--since', fixture.file(name)]);
    }
    const [head] = rows<object>(archive, 'head', '--signed');
    expect(head).toMatchObject({ commit: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    expectRows(rows<object>(archive, 'log').slice(0, fixture.heads.archive.size), fixture.log());
    expectSound(archive);
  });

  test('goes on at its remote, and clones of either format follow', async () => {
    const [archive, remote] = [
      fixture.unpack('archive', scratch.path),
      fixture.unpack('remote', scratch.path),
    ];
    run(archive, ['remote', 'add', 'here', remote]);
    run(archive, ['backup', 'here']);
    expect(rows(archive, 'verify', '--remote', 'here')).toMatchObject([
      { damaged: [], missing: [], files: [] },
    ]);
    run(archive, ['remote', 'compact', 'here']);
    const clone = fixture.unpack('clone', scratch.path);
    run(clone, ['pull', remote]);
    const fresh = join(scratch.path, 'clone-of-upgraded');
    run(fresh, ['clone', remote, fresh, '--key', key]);
    expect(headOf(clone)).toEqual(headOf(fresh));
    for (const each of [clone, fresh]) {
      expect(await logFormat(each)).toBe(2);
      expectSound(each);
    }
  });

  test('a time that was altered where no rule tells is found by whoever has the remote, and never sent there', async () => {
    const [archive, remote] = [
      fixture.unpack('archive', scratch.path),
      fixture.unpack('remote', scratch.path),
    ];
    run(archive, ['remote', 'add', 'here', remote]);
    const first = await alterTime(archive, fixture.heads.remote.size - 1);
    const before = contentsBelow(remote);
    for (const args of [
      ['verify', '--remote', 'here', '--heal'],
      ['backup', 'here'],
    ]) {
      const { status, stderr } = hkfs(args, { env: { HKFS_ARCHIVE: archive } });
      expect([status, stderr]).toEqual([
        4,
        expect.stringContaining(`commit record of event ${first} is not the one`),
      ]);
      expect(stderr).toMatch(/LOG_DAMAGED.*hkfs recover/s);
    }
    expect(contentsBelow(remote)).toEqual(before);
  });

  test('the last time of a clone is compared with the remote before it pulls', async () => {
    const [clone, remote] = [fixture.unpack('clone', scratch.path), fixture.unpack('remote', scratch.path)];
    const first = await alterTime(clone, fixture.heads.clone.size - 1);
    const { status, stderr } = hkfs(['pull', remote], { env: { HKFS_ARCHIVE: clone } });
    expect([status, stderr]).toEqual([
      4,
      expect.stringContaining(`commit record of event ${first} is not the one`),
    ]);
    expect(headOf(clone)).toEqual(fixture.heads.clone);
  });

  test('stays of format 1 while it is only read and pulled into by one that has nothing newer', async () => {
    const [clone, remote] = [fixture.unpack('clone', scratch.path), fixture.unpack('remote', scratch.path)];
    run(clone, ['pull', remote]);
    expectSound(clone);
    expect(await logFormat(clone)).toBe(1);
  });
});

/** Of the commit that has the position, by less than the time to its neighbours. @returns where it begins */
function alterTime(archive: string, position: number): Promise<number> {
  return withLevel(`${archive}/.hkfs/log`, async (level) => {
    const commit = (await commitUpTo(level, position))!;
    const before = (await commitUpTo(level, commit.first - 1))!;
    const timeMs = commit.timeMs > before.timeMs ? commit.timeMs - 1 : commit.timeMs + 1;
    await level.put(commitKey(commit.first), encodeCommit({ ...commit, timeMs }));
    return commit.first;
  });
}

function contentsBelow(directory: string): [string, string][] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path): [string, string] => [path, readFileSync(path, 'latin1')]);
}

function logFormat(archive: string): Promise<number> {
  return withLevel(`${archive}/.hkfs/log`, async (level) => Number(await level.get(FORMAT_KEY)));
}

holdTo(String(LOG_FORMAT));
