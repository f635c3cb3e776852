/** What `move` and `assimilate` give up: nothing that the archive has not at that very moment. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { loadPosix } from '../../src/fs/posix.js';
import { scratchDirectory, testWhen } from '../fs/scratch.js';
import { Box, inode, isStopped, type Run, sh, until } from './hkfs.js';

const CONTENT = 'the original';
const scratch = scratchDirectory();
const leaseTest = testWhen(loadPosix() !== null, 'needs koffi');
let box: Box;
let good: string;
beforeEach(() => {
  box = Box.make(scratch.path).write({ a: CONTENT, other: 'another' });
  good = join(box.path, 'good');
  fs.mkdirSync(good);
  fs.writeFileSync(join(good, 'copy'), CONTENT);
});

/** Other bytes, as many, and the mtime that was there. */
function scribble(path: string): void {
  sh(
    `m=$(stat -c %a '${path}'); chmod u+w '${path}'; touch -r '${path}' '${box.path}/ref'
     printf 'THE original' | dd of='${path}' conv=notrunc status=none
     touch -r '${box.path}/ref' '${path}'; chmod $m '${path}'`,
  );
}

/** The good copy goes into the archive, which has to have its bytes afterwards, or the source stays. */
function moveGood(mode = 'move'): Run {
  const { run } = box.ingestWith({}, good, '--mode', mode);
  expect(run.status).toBe(0);
  expect(box.run('cat', 'good/copy').stdout).toBe(CONTENT);
  expect(box.verify().summary.damaged).toEqual([]);
  return run;
}

// oxlint-disable-next-line max-params -- what, when and what then
async function whilePaused(
  step: string,
  args: readonly string[],
  change: () => void,
  time = 1,
): Promise<Run> {
  const running = box.start(args, { HKFS_FAILPOINT: `${step}=pause@${time}` });
  await until(() => isStopped(running.pid), `the pause at ${step}`);
  change();
  running.child.kill('SIGCONT');
  return running.ended;
}

describe.each(['move', 'assimilate'])('the last good copy is not lost in mode %s after', (mode) => {
  test('its object was written to through a link, and its name removed and brought back', () => {
    box.ingest();
    scribble(box.tree('source/a'));
    box.run('rm', 'source/a', '--yes');
    expect(box.run('undo', '--yes').status).toBe(0);
    expect(moveGood(mode).stderr).toContain('[OBJECT_DAMAGED]');
  });

  test('the source that became its object was written to between its hash and its link', async () => {
    const args = ['ingest', box.source, '--mode', 'link'];
    const run = await whilePaused('commit.appended', args, () => scribble(join(box.source, 'a')), 2);
    expect(run.status).toBe(0);
    expect(moveGood(mode).stderr).toContain('[OBJECT_DAMAGED]');
  });

  test('a kill before the tree, a write to the object, and another command that mends the tree', () => {
    const env = { HKFS_FAILPOINT: 'commit.views=kill@2' };
    expect(box.ingestWith({ env }).run.status).toBeNull();
    const [file] = box.rows('ls', 'source').filter(({ path }) => path === 'source/a');
    scribble(join(box.root, '.hkfs/objects', file!.hash!.slice(0, 2), file!.hash!.slice(2)));
    box.ingestWith({}, join(box.source, 'other'), '--to', 'elsewhere');
    expect(fs.existsSync(box.tree('source/a'))).toBe(true);
    expect(moveGood(mode).stderr).toContain('[OBJECT_DAMAGED]');
  });

  test('its object was written to while the copy was about to go: it stays and heals the object', async () => {
    box.ingest();
    const object = box.object('source/a');
    const run = await whilePaused('source.release', ['ingest', good, '--mode', mode], () => scribble(object));
    expect(run.status).toBe(3);
    expect(run.stderr).toMatch(/stays: .*does not have the bytes of its name \[EBADMSG\]/);
    expect(run.stderr).toContain('[OBJECT_DAMAGED]');
    expect(fs.readFileSync(join(good, 'copy'), 'utf8')).toBe(CONTENT);
    expect(box.run('cat', 'good/copy').stdout).toBe(CONTENT);
    expect(box.verify().summary.damaged).toEqual([]);
  });

  test('the copy itself was written to while it was about to go: it stays as it is', async () => {
    box.ingest();
    const copy = join(good, 'copy');
    const run = await whilePaused('source.compare', ['ingest', good, '--mode', mode], () => scribble(copy));
    expect(run.stderr).toMatch(/stays: changed since it was ingested \[ESTALE\]/);
    expect(fs.readFileSync(copy, 'utf8')).toBe('THE original');
    expect(box.run('cat', 'good/copy').stdout).toBe(CONTENT);
  });
});

test('the bytes that somebody wrote into an object are kept when a good copy takes its place', () => {
  box.ingest();
  const { hash } = box.stat('source/a');
  const object = box.object('source/a');
  scribble(object);
  const damaged = inode(object);
  fs.rmSync(box.tree('source/a'));
  moveGood();
  const kept = join(box.root, '.hkfs/damaged', `${hash}-${damaged}`);
  expect(fs.readFileSync(kept, 'utf8')).toBe('THE original');
});

describe('an inode that others can write to is not made an object', () => {
  leaseTest.each(['link', 'move', 'assimilate'])(
    'a file that is open for writing is copied in mode %s, told once, and stays',
    (mode) => {
      const fd = fs.openSync(join(box.source, 'a'), 'r+');
      try {
        const { run, summary } = box.ingestWith({}, box.source, '--mode', mode);
        // Only where it was to go is it a failure that it stays.
        const codes = summary.failed.map(({ code }) => code);
        const expected = mode === 'link' ? { status: 0, codes: [] } : { status: 3, codes: ['EBUSY'] };
        expect({ status: run.status, codes }).toEqual(expected);
        expect(run.stderr).toMatch(/source\/a: copied and not linked: .*open for writing \[NOT_LINKED\]/);
        fs.writeSync(fd, 'THE');
      } finally {
        fs.closeSync(fd);
      }
      expect(box.run('cat', 'source/a').stdout).toBe(CONTENT);
      expect(fs.readFileSync(join(box.source, 'a'), 'utf8')).toBe('THE original');
      expect(inode(box.tree('source/a'))).not.toBe(inode(join(box.source, 'a')));
      box.expectSound();
    },
  );

  test.each(['link', 'move', 'assimilate'])(
    'nor one with names outside of the source, in mode %s',
    (mode) => {
      const outside = join(box.path, 'outside');
      fs.linkSync(join(box.source, 'a'), outside);
      const { run } = box.ingestWith({}, box.source, '--mode', mode);
      expect(run.stderr).toMatch(/source\/a: copied and not linked: .*outside.* \[NOT_LINKED\]/);
      fs.writeFileSync(outside, 'THE original');
      expect(box.run('cat', 'source/a').stdout).toBe(CONTENT);
      box.expectSound();
    },
  );

  test('an excluded name is outside of the source; when all names are inside, the inode is taken', () => {
    sh('ln a b; ln other more', box.source);
    const { run } = box.ingestWith({}, box.source, '--mode', 'link', '--exclude', 'b');
    expect(run.stderr.match(/NOT_LINKED/g)).toHaveLength(1);
    expect(inode(box.tree('source/a'))).not.toBe(inode(join(box.source, 'a')));
    const names = [box.tree('source/other'), box.tree('source/more'), join(box.source, 'more')];
    expect(new Set([join(box.source, 'other'), ...names].map(inode)).size).toBe(1);
    box.expectSound();
  });
});

describe('what is known of an object is still known after', () => {
  test.each(['link', 'move', 'assimilate', 'copy'])('an ingest in mode %s', (mode) => {
    box.ingest('--mode', mode);
    expectUnread();
  });

  test('a removal, an undo and a rename', () => {
    box.ingest();
    box.run('rm', 'source/a', '--yes');
    box.run('undo', '--yes');
    box.run('mv', 'source/other', 'source/moved');
    expectUnread();
  });

  test('a restore of links', () => {
    box.ingest();
    box.restore('source', 'restored', '--link');
    expectUnread();
  });

  /** A quick check reads what has no fitting seal. */
  function expectUnread(): void {
    const { status, summary } = box.verify('--quick');
    expect({ status, ...summary }).toMatchObject({ status: 0, objects: 2, bytes: 0 });
  }
});
