/**
 * Files with several names, in the modes that make a source's inode the object: each waits until as many
 * of its names were found as it has. One that has names elsewhere could be written to through those by
 * people who know nothing of the archive, so it is copied.
 */
import type { FileToIngest } from './file-ingester.js';

/** Files that wait; the longest waiting are copied when there are more. */
const MAX_WAITING = 50_000;

interface Group {
  readonly files: FileToIngest[];
  /** Where sources overlap, one name comes twice. */
  readonly paths: Set<string>;
}

export class LinkGroups {
  private readonly byInode = new Map<string, Group>();
  private readonly most: number;
  private waiting = 0;

  constructor(most = MAX_WAITING) {
    this.most = most;
  }

  /** @returns files that need not wait any longer */
  add(file: FileToIngest): readonly FileToIngest[] {
    const { dev, ino, nlink } = file.source.stat;
    const key = `${dev}:${ino}`;
    const group = this.byInode.get(key) ?? { files: [], paths: new Set() };
    group.files.push(file);
    group.paths.add(file.source.path);
    this.byInode.set(key, group);
    this.waiting += 1;
    if (BigInt(group.paths.size) >= nlink) return this.take(key, group);
    return this.waiting > this.most ? this.oldest() : [];
  }

  /** All that still wait. */
  rest(): FileToIngest[] {
    const files = [...this.byInode.values()].flatMap((group) => group.files);
    this.byInode.clear();
    this.waiting = 0;
    return files.map(asShared);
  }

  private take(key: string, { files }: Group): readonly FileToIngest[] {
    this.byInode.delete(key);
    this.waiting -= files.length;
    return files;
  }

  private oldest(): FileToIngest[] {
    for (const [key, group] of this.byInode) return this.take(key, group).map(asShared);
    return [];
  }
}

function asShared(file: FileToIngest): FileToIngest {
  return { ...file, shared: true };
}
