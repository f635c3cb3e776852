/**
 * The digest of one directory: BLAKE3 over its entries in byte order of their names. Names are bound to
 * contents; attributes do not count, but what a device is, is its number. Each entry is
 *
 *     kind, name, NUL, then
 *       of a file its hash (of an empty one 32 zeros), of a directory its digest,
 *       of a symlink its target and NUL, of a device its major and minor number, 8 bytes each
 *
 * with the letters of `ls -l` as kinds and `f` for files. No entry is the beginning of another, so that
 * different directories give different bytes.
 */
import type { DirectoryId, EntryKind } from '../events/types.js';
import { nameToBytes } from '../events/names.js';
import { DirectoryRow, HASH_BYTES, type Summary } from './directory-row.js';
import type { EntryFacts } from './entry-facts.js';
import { writePosition } from './keys.js';

const NUL_AND_HASH = 1 + HASH_BYTES;
const KIND_LETTERS: Readonly<Record<EntryKind, number>> = {
  file: 0x66,
  directory: 0x64,
  symlink: 0x6c,
  fifo: 0x70,
  socket: 0x73,
  chardev: 0x63,
  blockdev: 0x62,
};

interface Gap {
  readonly id: DirectoryId;
  readonly nameLength: number;
  /** Where its digest goes. */
  readonly digestOffset: number;
}

/** A directory whose row can be made once those of the directories in its gaps are. */
export interface Unfinished {
  readonly gaps: readonly { readonly id: DirectoryId }[];
  /** @param summaryOf of each directory in a gap */
  finish(summaryOf: (id: DirectoryId) => Summary): DirectoryRow;
}

/** Takes the entries of one directory in byte order of their names; child digests may come later. */
export class DirectoryDraft implements Unfinished {
  readonly gaps: Gap[] = [];
  private bytes = Buffer.allocUnsafe(1024);
  private length = 0;
  private files = 0;
  private size = 0;
  private entries = 0;
  private linked = 0;

  add(name: Buffer, facts: EntryFacts): void {
    this.entries += 1;
    this.reserve(1 + name.length + NUL_AND_HASH);
    this.bytes[this.length] = KIND_LETTERS[facts.kind];
    this.bytes.set(name, this.length + 1);
    this.length += 1 + name.length;
    this.bytes[this.length++] = 0;
    if (facts.kind === 'file') this.addFile(facts);
    else if (facts.kind === 'directory') this.addGap(facts.directoryId, name.length);
    else if (facts.kind === 'symlink') this.append(Buffer.concat([nameToBytes(facts.target), Buffer.of(0)]));
    else if (facts.kind === 'chardev' || facts.kind === 'blockdev') this.append(deviceNumber(facts));
  }

  finish(summaryOf: (id: DirectoryId) => Summary): DirectoryRow {
    const total = { files: this.files, bytes: this.size, entries: this.entries, linked: this.linked };
    let directories = this.gaps.length;
    const children = this.gaps.map((gap) => {
      const { digest, ...numbers } = summaryOf(gap.id);
      this.bytes.set(digest, gap.digestOffset);
      total.files += numbers.files;
      total.bytes += numbers.bytes;
      total.entries += numbers.entries;
      total.linked += numbers.linked;
      directories += numbers.directories;
      return { ...gap, numbers };
    });
    return DirectoryRow.of({ ...total, directories }, children, this.bytes.subarray(0, this.length));
  }

  private addFile({ hash, size, linkGroup }: EntryFacts): void {
    this.files += 1;
    this.size += size;
    if (linkGroup !== null) this.linked += 1;
    if (hash === null) this.bytes.fill(0, this.length, this.length + HASH_BYTES);
    else this.bytes.set(hash, this.length);
    this.length += HASH_BYTES;
  }

  private addGap(id: DirectoryId, nameLength: number): void {
    this.gaps.push({ id, nameLength, digestOffset: this.length });
    this.length += HASH_BYTES;
  }

  private append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.bytes.length, this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** Takes a directory's row of before, where its own entries are still the same, for a change below it. */
export class DirectoryPatch implements Unfinished {
  readonly gaps: readonly { id: DirectoryId; index: number }[];
  private readonly row: DirectoryRow;

  /** @param changed directories, wherever they are */
  constructor(row: DirectoryRow, changed: ReadonlySet<DirectoryId>) {
    this.row = row;
    this.gaps = row.childrenAmong(changed);
  }

  finish(summaryOf: (id: DirectoryId) => Summary): DirectoryRow {
    return this.row.withChildren(this.gaps.map(({ id, index }) => ({ index, summary: summaryOf(id) })));
  }
}

function deviceNumber({ major, minor }: EntryFacts): Buffer {
  const number = Buffer.allocUnsafe(16);
  writePosition(number, major, 0);
  writePosition(number, minor, 8);
  return number;
}
