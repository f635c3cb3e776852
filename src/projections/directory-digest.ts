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
import { hashBytes } from '../fs/hash.js';
import type { EntryFacts } from './entry-facts.js';
import { writePosition } from './keys.js';

/** A directory and all that is below it, in numbers. */
export interface Summary {
  /** 32 bytes. */
  readonly digest: Buffer;
  readonly files: number;
  readonly bytes: number;
  /** Everything below, directories among it. */
  readonly entries: number;
  readonly directories: number;
  /** Files whose source had more than one name. */
  readonly linked: number;
}

export interface ChildDirectory {
  readonly id: DirectoryId;
  /** Raw bytes. */
  readonly name: Buffer;
  readonly summary: Summary;
}

/** What is known of a directory: itself and, in byte order of their names, the directories right in it. */
export interface DirectoryRow {
  readonly summary: Summary;
  readonly children: readonly ChildDirectory[];
}

export const HASH_BYTES = 32;
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
  readonly name: Buffer;
  /** Where its digest goes. */
  readonly offset: number;
}

/** Takes the entries of one directory in byte order of their names; child digests may come later. */
export class DirectoryDraft {
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
    else if (facts.kind === 'directory') this.addGap(facts.directoryId, name);
    else if (facts.kind === 'symlink') this.append(Buffer.concat([nameToBytes(facts.target), Buffer.of(0)]));
    else if (facts.kind === 'chardev' || facts.kind === 'blockdev') this.append(deviceNumber(facts));
  }

  /** @param summaryOf of each directory that was added */
  finish(summaryOf: (id: DirectoryId) => Summary): DirectoryRow {
    const children = this.gaps.map(({ id, name }) => ({ id, name, summary: summaryOf(id) }));
    for (const [at, { offset }] of this.gaps.entries()) this.bytes.set(children[at]!.summary.digest, offset);
    const digest = hashBytes(this.bytes.subarray(0, this.length));
    const total = { files: this.files, bytes: this.size, entries: this.entries, linked: this.linked };
    let directories = children.length;
    for (const { summary } of children) {
      total.files += summary.files;
      total.bytes += summary.bytes;
      total.entries += summary.entries;
      total.linked += summary.linked;
      directories += summary.directories;
    }
    return { summary: { digest, directories, ...total }, children };
  }

  private addFile({ hash, size, linkGroup }: EntryFacts): void {
    this.files += 1;
    this.size += size;
    if (linkGroup !== null) this.linked += 1;
    if (hash === null) this.bytes.fill(0, this.length, this.length + HASH_BYTES);
    else this.bytes.set(hash, this.length);
    this.length += HASH_BYTES;
  }

  private addGap(id: DirectoryId, name: Buffer): void {
    this.gaps.push({ id, name, offset: this.length });
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

function deviceNumber({ major, minor }: EntryFacts): Buffer {
  const number = Buffer.allocUnsafe(16);
  writePosition(number, major, 0);
  writePosition(number, minor, 8);
  return number;
}
