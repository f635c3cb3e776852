/** The tree's checkpoint against a disk that forgets what no sync has covered. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TreeCheckpoint } from '../../src/archive/tree-checkpoint.js';
import { readPosition } from '../../src/projections/keys.js';

type Act = 'quiet' | 'change' | 'rename' | 'fail' | 'sync' | 'broken sync' | 'begin' | 'end' | 'row';

const acts = fc.array(
  fc.constantFrom<Act>('quiet', 'change', 'rename', 'fail', 'sync', 'broken sync', 'begin', 'end', 'row'),
  { maxLength: 60 },
);

/** What is known of each event that asked for a change of the tree. */
interface Change {
  readonly position: number;
  isApplied: boolean;
  isDurable: boolean;
}

class ForgetfulTree {
  readonly checkpoint = new TreeCheckpoint(0);
  readonly changes: Change[] = [];
  private next = 0;
  private syncing: { done: () => void; covers: Change[] } | null = null;

  /** An event of the log, and whether the tree followed it. */
  event(act: 'quiet' | 'change' | 'rename' | 'fail'): void {
    const position = this.next++;
    if (act !== 'quiet') {
      this.checkpoint.changed(act === 'rename');
      this.changes.push({ position, isApplied: act !== 'fail', isDurable: false });
    }
    if (act !== 'fail') this.checkpoint.follow(position, position + 1);
  }

  begin(): void {
    this.syncing ??= {
      done: this.checkpoint.syncing(),
      covers: this.changes.filter(({ isApplied }) => isApplied),
    };
  }

  end(): void {
    this.syncing?.done();
    for (const change of this.syncing?.covers ?? []) change.isDurable = true;
    this.syncing = null;
  }

  giveUp(): void {
    this.syncing = null;
  }

  /** The first event that a power cut would take from the tree; all that were there are before it. */
  get firstLost(): number {
    return this.changes.find(({ isDurable }) => !isDurable)?.position ?? this.next;
  }
}

function perform(tree: ForgetfulTree, act: Act): void {
  if (act === 'begin' || act === 'sync' || act === 'broken sync') tree.begin();
  if (act === 'end' || act === 'sync') tree.end();
  if (act === 'broken sync') tree.giveUp();
  if (act === 'quiet' || act === 'change' || act === 'rename' || act === 'fail') tree.event(act);
}

test('whatever is done, in whatever order: no row tells of a change that a power cut could still take', () => {
  fc.assert(
    fc.property(acts, (list) => {
      const tree = new ForgetfulTree();
      for (const act of list) {
        perform(tree, act);
        for (const { value } of tree.checkpoint.rows())
          expect(readPosition(value, 0)).toBeLessThanOrEqual(tree.firstLost);
      }
    }),
    { numRuns: 2000 },
  );
});

test('after everything was followed and synced, the next row tells of all of it', () => {
  fc.assert(
    fc.property(acts, (list) => {
      const tree = new ForgetfulTree();
      const sound = list.filter((act) => act !== 'fail');
      for (const act of sound) perform(tree, act);
      tree.end();
      tree.begin();
      tree.end();
      const events = sound.filter((act) => act === 'quiet' || act === 'change' || act === 'rename').length;
      expect(tree.checkpoint.isDirty).toBe(false);
      expect(readPosition(tree.checkpoint.row().value, 0)).toBe(events);
    }),
  );
});

test('a rename stands alone: before it, and before what follows it, the checkpoint has to be on the disk', () => {
  const checkpoint = new TreeCheckpoint(0);
  const follow = (position: number, moves: boolean): void => {
    checkpoint.changed(moves);
    checkpoint.follow(position, position + 1);
  };
  expect(checkpoint.needsSecuring(true)).toBe(false);
  follow(0, false);
  expect(checkpoint.needsSecuring(false)).toBe(false);
  expect(checkpoint.needsSecuring(true)).toBe(true);

  checkpoint.syncing()();
  expect(readPosition(checkpoint.row().value, 0)).toBe(1);
  expect(checkpoint.needsSecuring(true)).toBe(true);
  checkpoint.rowIsDurable();
  expect(checkpoint.needsSecuring(true)).toBe(false);

  follow(1, true);
  expect(checkpoint.needsSecuring(false)).toBe(true);
  expect(checkpoint.needsSecuring(true)).toBe(true);
});
