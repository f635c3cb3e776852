/** What was found in the outside world: files with their hashes, packed as they came from the threads. */
import type { Hash } from '../../events/types.js';
import { compareNames, joinPath } from '../../fs/names.js';
import type { Failure } from '../api.js';

export interface OutsideFile {
  /** As the user would write it: below the operand as it was given. */
  readonly path: string;
  /** Null for an empty file. */
  readonly hash: Hash | null;
  readonly size: number;
}

/** Files of one directory. */
export interface OutsideGroup {
  readonly directory: string;
  readonly names: readonly string[];
  readonly sizes: Float64Array;
  /** 32 bytes a file. */
  readonly hashes: Uint8Array;
}

export class OutsideFiles {
  private readonly groups: OutsideGroup[] = [];
  readonly failed: Failure[] = [];
  count = 0;
  bytes = 0;
  /** Symlinks and special files: they have no content. */
  others = 0;

  add(group: OutsideGroup): void {
    if (group.names.length === 0) return;
    this.groups.push(group);
    this.count += group.names.length;
    for (const size of group.sizes) this.bytes += size;
  }

  /** Threads answer in any order: afterwards directories come in order of their paths. */
  sort(): void {
    const first = (group: OutsideGroup): string => group.names[0]!;
    this.groups.sort((a, b) => compareNames(a.directory, b.directory) || compareNames(first(a), first(b)));
    this.failed.sort((a, b) => compareNames(a.path, b.path));
  }

  *[Symbol.iterator](): Generator<OutsideFile> {
    for (const { directory, names, sizes, hashes } of this.groups) {
      const hex = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.length).toString('hex');
      for (const [index, name] of names.entries()) {
        const size = sizes[index]!;
        const hash = size === 0 ? null : hex.slice(index * 64, index * 64 + 64);
        yield { path: joinPath(directory, name), hash, size };
      }
    }
  }
}
