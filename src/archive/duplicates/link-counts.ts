/**
 * Bytes that go when names go. What a source had as hard links of one file takes room once: it is freed
 * with the last of its names and not before.
 */
import type { DirectoryNode } from '../../projections/directory-tree.js';
import type { Content, FileName } from './file-table.js';

interface LinkedName {
  readonly index: number;
  readonly identity: string;
  readonly size: number;
}

export class LinkCounts {
  private readonly left = new Map<string, number>();
  /** In the order of their directories. */
  private readonly linked: LinkedName[] = [];

  constructor(contents: readonly Content[]) {
    for (const { key, size, names } of contents)
      for (const { node, linkGroup } of names) {
        if (linkGroup === null) continue;
        const identity = identityOf(key, linkGroup);
        this.linked.push({ index: node.index, identity, size });
        this.left.set(identity, (this.left.get(identity) ?? 0) + 1);
      }
    this.linked.sort((a, b) => a.index - b.index);
  }

  /** @param keep they do not go after all: count them as they are */
  freedByDirectories(nodes: readonly DirectoryNode[], keep: boolean): number {
    let freed = 0;
    const gone: string[] = [];
    for (const { summary, index, end } of nodes) {
      freed += summary.bytes;
      if (summary.linked === 0) continue;
      for (let at = this.firstFrom(index); at < this.linked.length && this.linked[at]!.index < end; at += 1) {
        const { identity, size } = this.linked[at]!;
        gone.push(identity);
        if (!this.take(identity)) freed -= size;
      }
    }
    if (keep) this.giveBack(gone);
    return freed;
  }

  freedByFiles({ key, size }: Content, names: readonly FileName[], keep: boolean): number {
    let freed = 0;
    const gone: string[] = [];
    for (const { linkGroup } of names) {
      const identity = linkGroup === null ? null : identityOf(key, linkGroup);
      if (identity !== null) gone.push(identity);
      if (identity === null || this.take(identity)) freed += size;
    }
    if (keep) this.giveBack(gone);
    return freed;
  }

  /** Whether this was the last name. */
  private take(identity: string): boolean {
    const left = this.left.get(identity)! - 1;
    this.left.set(identity, left);
    return left === 0;
  }

  private giveBack(identities: readonly string[]): void {
    for (const identity of identities) this.left.set(identity, this.left.get(identity)! + 1);
  }

  private firstFrom(index: number): number {
    let low = 0;
    for (let high = this.linked.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.linked[middle]!.index < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** An inode that was written to between two ingests had two contents. */
function identityOf(key: string, linkGroup: string): string {
  return key + linkGroup;
}
