/** The tree's checkpoint against a disk that forgets what no sync has covered. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TreeCheckpoint } from '../../src/archive/tree-checkpoint.js';
import { readPosition } from '../../src/projections/keys.js';

const EVENTS = ['quiet', 'change', 'rename'] as const;
const ACTS = [...EVENTS, 'applied', 'failed', 'begin sync', 'end sync', 'broken sync'] as const;
type Act = (typeof ACTS)[number];

const acts = fc.array(fc.constantFrom<Act>(...ACTS), { maxLength: 80 });

/** What is known of each event that asked for a change of the tree. */
interface Change {
  readonly position: number;
  state: 'begun' | 'applied' | 'durable';
}

class ForgetfulTree {
  readonly checkpoint = new TreeCheckpoint(0);
  private readonly changes: Change[] = [];
  private next = 0;
  private underWay: Change | null = null;
  private syncing: { done: () => void; covers: Change[] } | null = null;

  act(act: Act): void {
    if (act === 'begin sync') this.beginSync();
    else if (act === 'end sync') this.endSync();
    else if (act === 'broken sync') this.syncing = null;
    else if (act === 'applied') this.applied();
    else if (act === 'failed') this.underWay = null;
    else this.event(act);
  }

  get events(): number {
    return this.next;
  }

  /** The first event that a power cut would take from the tree; all that were there are before it. */
  get firstLost(): number {
    return this.changes.find(({ state }) => state !== 'durable')?.position ?? this.next;
  }

  /** Events come one after the other; syncs begin and end whenever they like. */
  private event(act: (typeof EVENTS)[number]): void {
    if (this.underWay !== null) return;
    const position = this.next++;
    if (act === 'quiet') return this.checkpoint.follow(position, position + 1);
    this.checkpoint.changing(act === 'rename');
    this.underWay = { position, state: 'begun' };
    this.changes.push(this.underWay);
  }

  private applied(): void {
    if (this.underWay === null) return;
    const { position } = this.underWay;
    this.checkpoint.changed();
    this.checkpoint.follow(position, position + 1);
    this.underWay.state = 'applied';
    this.underWay = null;
  }

  private beginSync(): void {
    const covers = this.changes.filter(({ state }) => state === 'applied');
    this.syncing ??= { done: this.checkpoint.syncing(), covers };
  }

  private endSync(): void {
    this.syncing?.done();
    for (const change of this.syncing?.covers ?? []) change.state = 'durable';
    this.syncing = null;
  }
}

test('whatever is done, in whatever order: no row tells of a change that a power cut could still take', () => {
  fc.assert(
    fc.property(acts, (list) => {
      const tree = new ForgetfulTree();
      for (const act of list) {
        tree.act(act);
        for (const { value } of tree.checkpoint.rows())
          expect(readPosition(value, 0)).toBeLessThanOrEqual(tree.firstLost);
      }
    }),
    { numRuns: 3000 },
  );
});

test('after everything was followed and synced, the next row tells of all of it', () => {
  fc.assert(
    fc.property(acts, (list) => {
      const tree = new ForgetfulTree();
      for (const act of list) if (act !== 'failed') tree.act(act);
      for (const act of ['applied', 'end sync', 'begin sync', 'end sync'] as const) tree.act(act);
      expect(tree.checkpoint.isDirty).toBe(false);
      expect(readPosition(tree.checkpoint.row().value, 0)).toBe(tree.events);
    }),
  );
});

test('a rename stands alone: before it, and before what follows it, the checkpoint has to be on the disk', () => {
  const checkpoint = new TreeCheckpoint(0);
  const follow = (position: number, moves: boolean): void => {
    checkpoint.changing(moves);
    checkpoint.changed();
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
