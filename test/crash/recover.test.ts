/** kill -9 at every named step of a recovery: the same command goes on from there, or begins again. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isRecoverable, makeRecoverable, type Recoverable } from '../e2e/recoverable.js';

let base: Recoverable;
beforeAll(() => {
  base = makeRecoverable(60);
}, 60_000);
afterAll(() => base.remove());

type Step = readonly [step: string, time: number];

/** Up to where nothing has been moved, the old log has to be where it was. */
const BESIDE: readonly Step[] = [
  ['clone.segment', 1],
  ['recover.built', 1],
];
const MOVED: readonly Step[] = [
  ['recover.ready', 1],
  ['recover.moved', 1],
  ['recover.moved', 2],
  ['recover.moved', 3],
  ['recover.ready', 2],
  ['recover.files', 1],
  ['replay.fold', 1],
  ['replay.folded', 1],
  ['replay.set-aside', 1],
  ['replay.switched', 1],
  ['generation.dropped', 1],
  ['recover.views', 1],
  ['recover.objects', 1],
  ['recover.finished', 1],
];

const RECOVER = ['recover', '--yes', '--progress', 'none'];

function damage(box: Recoverable): void {
  fs.rmSync(join(box.root, '.hkfs/log/CURRENT'));
  fs.rmSync(join(box.root, '.hkfs/objects'), { recursive: true });
  fs.rmSync(join(box.root, 'source'), { recursive: true });
}

describe('from a remote', () => {
  test.each([...BESIDE, ...MOVED])('a kill at %s, time %i: the same command goes on', (step, time) => {
    const box = base.copy();
    try {
      damage(box);
      const isWithoutLog = step === 'clone.segment';
      if (isWithoutLog)
        for (const name of fs.readdirSync(join(box.root, '.hkfs/log')))
          if (name.endsWith('.ldb')) fs.rmSync(join(box.root, '.hkfs/log', name));
      const killed = box.runWith(
        { HKFS_FAILPOINT: `${step}=kill@${time}` },
        ...RECOVER,
        '--from',
        base.remote,
      );
      expect({ step, status: killed.status, stderr: killed.stderr }).toMatchObject({ status: null });
      if (BESIDE.some(([name]) => name === step))
        expect(fs.readdirSync(join(box.root, '.hkfs')).filter((name) => /damaged-/.test(name))).toEqual([]);
      const again = box.run(...RECOVER, '--from', base.remote);
      expect({ step, status: again.status, stderr: again.stderr }).toMatchObject({
        status: isWithoutLog ? 4 : 0,
      });
      isRecoverable(box, base, isWithoutLog ? { at: `@${base.backedUp.size - 1}` } : {});
    } finally {
      box.remove();
    }
  });
});

describe('from the tree', () => {
  const steps: readonly Step[] = [
    ['recover.built', 1],
    ['recover.ready', 1],
    ...[1, 2, 3, 4, 5, 6].map((time): Step => ['recover.moved', time]),
    ['replay.switched', 1],
    ['commit.appended', 1],
    ['commit.appended', 2],
    ['commit.done', 2],
    ['sync.added', 1],
    ['recover.finished', 1],
  ];
  test.each(steps)('a kill at %s, time %i: the same command goes on', (step, time) => {
    const box = base.copy();
    try {
      fs.rmSync(join(box.root, '.hkfs/log/CURRENT'));
      const names = (): string => box.done('ls', '-R', '--json').replace(/"position":\d+/g, '');
      const killed = box.runWith({ HKFS_FAILPOINT: `${step}=kill@${time}` }, ...RECOVER, '--from-tree');
      expect({ step, status: killed.status, stderr: killed.stderr }).toMatchObject({ status: null });
      const again = box.run(...RECOVER, '--from-tree');
      expect({ step, status: again.status, stderr: again.stderr }).toMatchObject({ status: 4 });
      expect(box.run('verify').stdout).toContain('No damage');
      expect(box.run('sync', '--dry-run').stdout).toContain('Nothing to adopt');
      expect(names().split('\n').length).toBeGreaterThan(60);
      const kept = fs.readdirSync(join(box.root, '.hkfs')).filter((name) => name.includes('.damaged-'));
      expect(kept.map((name) => name.split('.damaged-')[0]).sort()).toEqual([
        'archive.json',
        'keys',
        'log',
        'views',
      ]);
      expect(fs.readdirSync(join(box.root, '.hkfs'))).not.toContain('recover');
    } finally {
      box.remove();
    }
  });
});
