/**
 * What is known of a directory, as the bytes that are remembered of it:
 *
 *     summary of the directory
 *     where directories are right in it
 *       how many, 4 bytes
 *       of each, in byte order of their names, its id, its numbers, where its digest stands among the bytes
 *         that are hashed, and the length of its name, which ends one byte before
 *       the bytes that are hashed (directory-digest.ts)
 *
 * So a directory whose own entries stayed as they were is summed up again from its row alone, without a look
 * at its entries and without making an object of each directory in it: there may be ten thousand.
 */
import type { DirectoryId } from '../events/types.js';
import { hashBytes } from '../fs/hash.js';
import { readPosition, writePosition } from './keys.js';

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

export type Numbers = Omit<Summary, 'digest'>;

export interface ChildDirectory {
  readonly id: DirectoryId;
  /** Raw bytes. */
  readonly name: Buffer;
  readonly summary: Summary;
}

/** A directory in another one, among the bytes of which its digest stands somewhere. */
export interface PlacedChild {
  readonly id: DirectoryId;
  readonly digestOffset: number;
  readonly nameLength: number;
  readonly numbers: Numbers;
}

export const HASH_BYTES = 32;
const NUMBERS = ['files', 'bytes', 'entries', 'directories', 'linked'] as const;
const NUMBERS_BYTES = 8 * NUMBERS.length;
const SUMMARY_BYTES = HASH_BYTES + NUMBERS_BYTES;
const CHILDREN_AT = SUMMARY_BYTES + 4;
const DIGEST_OFFSET_AT = 8 + NUMBERS_BYTES;
const CHILD_BYTES = DIGEST_OFFSET_AT + 8;

export class DirectoryRow {
  /** As it is remembered; never changed. */
  readonly value: Buffer;

  constructor(value: Buffer) {
    this.value = value;
  }

  /** @param hashed the bytes of the directory, with the digests of its children */
  static of(own: Numbers, children: readonly PlacedChild[], hashed: Buffer): DirectoryRow {
    const isLeaf = children.length === 0;
    const length = isLeaf ? SUMMARY_BYTES : entriesOffset(children.length) + hashed.length;
    const value = Buffer.allocUnsafe(length);
    value.set(hashBytes(hashed), 0);
    writeNumbers(value, own, HASH_BYTES);
    if (isLeaf) return new DirectoryRow(value);
    value.writeUInt32BE(children.length, SUMMARY_BYTES);
    for (const [index, child] of children.entries()) {
      const at = childOffset(index);
      writePosition(value, child.id, at);
      writeNumbers(value, child.numbers, at + 8);
      value.writeUInt32BE(child.digestOffset, at + DIGEST_OFFSET_AT);
      value.writeUInt32BE(child.nameLength, at + DIGEST_OFFSET_AT + 4);
    }
    value.set(hashed, entriesOffset(children.length));
    return new DirectoryRow(value);
  }

  /** Made each time: there may be a million rows in memory, most of which nobody asks twice. */
  get summary(): Summary {
    return { digest: this.value.subarray(0, HASH_BYTES), ...readNumbers(this.value, HASH_BYTES) };
  }

  /** The directories right in this one, in byte order of their names. */
  children(): ChildDirectory[] {
    return Array.from({ length: this.childCount }, (_, index) => this.child(index));
  }

  /** Those of these directories that are right in this one. */
  childrenAmong(ids: ReadonlySet<DirectoryId>): { id: DirectoryId; index: number }[] {
    const found: { id: DirectoryId; index: number }[] = [];
    const count = this.childCount;
    for (let index = 0; index < count; index += 1) {
      const id = readPosition(this.value, childOffset(index));
      if (ids.has(id)) found.push({ id, index });
    }
    return found;
  }

  /** The same directory after a change below it: these of the directories in it are others now. */
  withChildren(changed: readonly { index: number; summary: Summary }[]): DirectoryRow {
    if (changed.length === 0) return this;
    const value = Buffer.from(this.value);
    const hashed = value.subarray(entriesOffset(this.childCount));
    const own: Record<keyof Numbers, number> = readNumbers(value, HASH_BYTES);
    for (const { index, summary } of changed) {
      const at = childOffset(index);
      const before = readNumbers(value, at + 8);
      for (const field of NUMBERS) own[field] += summary[field] - before[field];
      writeNumbers(value, summary, at + 8);
      hashed.set(summary.digest, value.readUInt32BE(at + DIGEST_OFFSET_AT));
    }
    value.set(hashBytes(hashed), 0);
    writeNumbers(value, own, HASH_BYTES);
    return new DirectoryRow(value);
  }

  private get childCount(): number {
    return this.value.length === SUMMARY_BYTES ? 0 : this.value.readUInt32BE(SUMMARY_BYTES);
  }

  private child(index: number): ChildDirectory {
    const { value } = this;
    const at = childOffset(index);
    const digestAt = entriesOffset(this.childCount) + value.readUInt32BE(at + DIGEST_OFFSET_AT);
    const nameLength = value.readUInt32BE(at + DIGEST_OFFSET_AT + 4);
    const digest = value.subarray(digestAt, digestAt + HASH_BYTES);
    return {
      id: readPosition(value, at),
      name: value.subarray(digestAt - 1 - nameLength, digestAt - 1),
      summary: { digest, ...readNumbers(value, at + 8) },
    };
  }
}

function childOffset(index: number): number {
  return CHILDREN_AT + index * CHILD_BYTES;
}

/** Where the bytes that are hashed begin. */
function entriesOffset(children: number): number {
  return childOffset(children);
}

function writeNumbers(target: Buffer, numbers: Numbers, offset: number): void {
  for (const [at, field] of NUMBERS.entries()) writePosition(target, numbers[field], offset + 8 * at);
}

function readNumbers(bytes: Buffer, offset: number): Numbers {
  const number = (at: number): number => readPosition(bytes, offset + 8 * at);
  return {
    files: number(0),
    bytes: number(1),
    entries: number(2),
    directories: number(3),
    linked: number(4),
  };
}
