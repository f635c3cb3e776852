import { expect, test } from '@jest/globals';
import { makePlan, type RecoverFacts } from '../../../src/archive/recover/plan.js';

const WHOLE: RecoverFacts = {
  damagedFiles: [],
  isWhole: true,
  had: 10,
  here: 10,
  fetched: 0,
  head: { size: 10, root: 'ab' },
  from: null,
  remotes: ['nas'],
  writesArchiveFile: false,
  writesPublicKey: false,
  writesOrigin: false,
  unrecovered: [],
  aside: 'log.damaged-T',
};

test('a whole log and all files: the plan is empty', () => {
  expect(makePlan(WHOLE)).toEqual({
    lines: [],
    lost: null,
    replacesLog: false,
    replays: false,
    isEmpty: true,
  });
});

test('a whole log without archive.json: the log stays where it is', () => {
  const plan = makePlan({ ...WHOLE, writesArchiveFile: true });
  expect(plan).toMatchObject({ replacesLog: false, replays: false, isEmpty: false, lost: null });
  expect(plan.lines).toEqual([expect.stringContaining('archive.json')]);
});

test('a damaged log of which all is proved: it is replaced, and nothing is lost', () => {
  const plan = makePlan({ ...WHOLE, isWhole: false });
  expect(plan).toMatchObject({ replacesLog: true, replays: true, lost: null });
  expect(plan.lines.join('\n')).toContain('log.damaged-T');
});

test('fewer events than there were: how many are lost, and where a backup is', () => {
  const plan = makePlan({ ...WHOLE, isWhole: false, here: 6, head: { size: 6, root: 'cd' } });
  expect(plan.lost).toEqual({ from: 6, events: 4 });
  expect(plan.lines.join('\n')).toMatch(/lose 4 events from position 6 .*--from nas/);
});

test('views that have seen more than a whole log: only they are made again', () => {
  const plan = makePlan({ ...WHOLE, had: 12 });
  expect(plan).toMatchObject({ replacesLog: false, replays: true, lost: { from: 10, events: 2 } });
});

test('a place that has more than a whole log: the log is replaced', () => {
  const from = { url: '/mnt/b', signedBy: 'key' };
  const plan = makePlan({ ...WHOLE, fetched: 5, head: { size: 15, root: 'ef' }, from });
  expect(plan).toMatchObject({ replacesLog: true, lost: null });
  expect(plan.lines).toContain('take 5 events from /mnt/b, signed by key');
});
