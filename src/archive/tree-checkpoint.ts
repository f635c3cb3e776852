/**
 * How far the tree on disk has followed the log. The kernel keeps links, renames and removals in memory
 * for a while, and a power cut takes them; LevelDB's own files may be on the disk long before. So the
 * checkpoint that is written down only ever names what a sync has covered since, and lags behind what
 * was applied: the next writer applies the events between the two again.
 */
import type { LevelPut } from '../events/level.js';
import type { Position } from '../events/types.js';
import { treeRow } from '../projections/views.js';

export class TreeCheckpoint {
  /** The first position that the tree has not followed yet. */
  private applied: Position;
  /** The first position whose effect a power cut may take. */
  private durable: Position;
  private written: Position;
  /** Changes of the tree are counted; so many of them … */
  private changes = 0;
  /** … are on the disk, … */
  private synced = 0;
  /** … are told by a row, … */
  private told = 0;
  /** … and by a row that is on the disk itself. */
  private secured = 0;
  private movedLast = false;

  constructor(position: Position) {
    this.applied = this.durable = this.written = position;
  }

  /** From where on events are to be applied to the tree. */
  get position(): Position {
    return this.applied;
  }

  /** Something was done to the tree that a power cut may take. */
  get isDirty(): boolean {
    return this.synced < this.changes;
  }

  /**
   * Whether what was applied before has to be told on the disk before the next events are applied. What
   * moves names stands alone between two checkpoints: a rename that is applied again is one rename, but of
   * several, or of one with other changes around it, nobody can tell how far they went.
   */
  needsSecuring(moves: boolean): boolean {
    return (moves || this.movedLast) && this.secured < this.changes;
  }

  /** Before the tree changes: what follows may be cut short. */
  changing(moves = false): void {
    this.changes += 1;
    this.movedLast = moves;
  }

  /** After it: a sync that began meanwhile may have missed some of it. */
  changed(): void {
    this.changes += 1;
  }

  /** The tree followed these events. Behind some that it did not follow, the checkpoint stays. */
  follow(from: Position, to: Position): void {
    if (from > this.applied || to <= this.applied) return;
    this.applied = to;
    if (!this.isDirty) this.durable = to;
  }

  /** To be called before a sync; what it returns, after it succeeded. */
  syncing(): () => void {
    const { applied, changes, told } = this;
    return () => {
      this.durable = Math.max(this.durable, applied);
      this.synced = Math.max(this.synced, changes);
      this.secured = Math.max(this.secured, told);
    };
  }

  /** The row that tells what is on the disk by now; none where one has told it. */
  rows(): LevelPut[] {
    return this.written === this.durable ? [] : [this.row()];
  }

  row(): LevelPut {
    this.written = this.durable;
    this.told = this.synced;
    return treeRow(this.durable);
  }

  /** The last row was written durably. */
  rowIsDurable(): void {
    this.secured = this.told;
  }

  /** All of the tree is on the disk, up to here. */
  settled(position: Position): void {
    this.applied = this.durable = position;
    this.synced = this.changes;
  }
}
