/** Which orphans may go: every rule by itself. */
import { expect, test } from '@jest/globals';
import { judgeOrphan, type GcRules } from '../../../src/archive/gc/judge.js';

/** Named from 10 to 20 and from 30 to 40; the log's last change of names began at 50. */
const ORPHAN = {
  since: 40,
  named: [
    { path: 'a', from: 10, to: 20 },
    { path: 'b', from: 30, to: 40 },
  ],
};
const RULES: GcRules = { untilMs: 1000, before: 50, tagged: [] };

test.each([
  ['lost its name before the last change, and long ago', 1000, {}, 'collect'],
  ['lost its name a moment too late', 1001, {}, 'recent'],
  ['lost its name by the last change, however long ago', 0, { before: 40 }, 'undo'],
  ['lost its name by the event before the last change', 0, { before: 41 }, 'collect'],
  ['is old by the position, and not by the clock', 5000, { before: 1000 }, 'recent'],
  ['was named at a tag', 0, { tagged: [35] }, 'tagged'],
  ['was named from the very event of a tag on', 0, { tagged: [30] }, 'tagged'],
  ['lost its name by the very event of a tag', 0, { tagged: [40, 20] }, 'collect'],
  ['was not named at a tag between its names', 0, { tagged: [25, 5, 45] }, 'collect'],
] as const)('an object that %s: %s → %j', (_what, sinceMs, rules, verdict) => {
  expect(judgeOrphan(ORPHAN, sinceMs, { ...RULES, ...rules })).toBe(verdict);
});

test('an object that never had a name is as old as its event', () => {
  const never = { since: 40, named: [] };
  expect(judgeOrphan(never, 0, { ...RULES, tagged: [45] })).toBe('collect');
  expect(judgeOrphan(never, 0, { ...RULES, before: 40 })).toBe('undo');
});
