/**
 * Every file that is in the tree at a moment, by one pass over the entry rows: for questions about so
 * many contents that asking for each would cost more. Directories are numbered so that what is below
 * one follows it: what a directory holds is a range of numbers.
 */
import { decodeEvent } from '../events/codec.js';
import type { Level } from '../events/level.js';
import { peekType, RawEvent } from '../events/raw-event.js';
import type { DirectoryId, Hash, Position } from '../events/types.js';
import * as keys from './keys.js';
import { nameFromBytes } from '../events/names.js';

const ROWS = 4000;
const HIGH_WATER = 1 << 20;

export interface CensusOptions {
  /** Only files with one of these contents. */
  readonly only?: readonly Hash[];
  /** Keep the names of the files. */
  readonly names?: boolean;
}

export class Census {
  /** By number: the directory's id, the number of the one above (-1 for the root), and the last below it. */
  readonly ids: readonly DirectoryId[];
  readonly above: Int32Array;
  readonly last: Int32Array;
  readonly hashes: readonly Hash[];
  readonly sizes: Float64Array;
  /** By file, in order of the directories' numbers: which directory it is in, and which content it has. */
  readonly fileDirectory: Int32Array;
  readonly fileContent: Int32Array;
  private readonly names: readonly Buffer[] | null;

  private constructor(scan: EntryScan, tree: NumberedTree) {
    const live = filesInOrder(scan, tree);
    this.ids = tree.ids;
    this.above = tree.above;
    this.last = tree.last;
    this.hashes = scan.hashes;
    this.sizes = Float64Array.from(scan.sizes);
    this.fileDirectory = Int32Array.from(live, (file) => tree.numbers.get(scan.parents[file]!)!);
    this.fileContent = Int32Array.from(live, (file) => scan.contents[file]!);
    this.names = scan.names && Array.from(live, (file) => scan.names![file]!);
  }

  /** Empty files have no content and are left out. */
  static async take(level: Level, at: Position, options: CensusOptions = {}): Promise<Census> {
    const scan = new EntryScan(at, options);
    const iterator = level.iterator({
      ...keys.prefixRange(Buffer.from([keys.PREFIX.entry])),
      highWaterMarkBytes: HIGH_WATER,
    });
    try {
      for (;;) {
        const rows = await iterator.nextv(ROWS);
        for (const [key, value] of rows) scan.push(key, value);
        if (rows.length === 0) break;
      }
    } finally {
      await iterator.close();
    }
    scan.end();
    return new Census(scan, numberTree(scan.children));
  }

  nameOf(file: number): string {
    return nameFromBytes(this.names![file]!);
  }
}

/** Picks of each place the last version that is not after the moment. */
class EntryScan {
  readonly children = new Map<DirectoryId, DirectoryId[]>();
  readonly hashes: Hash[] = [];
  readonly sizes: number[] = [];
  /** By file, in the order of the rows. */
  readonly parents: DirectoryId[] = [];
  readonly contents: number[] = [];
  readonly names: Buffer[] | null;
  private readonly at: Position;
  private readonly isClosed: boolean;
  /** Hashes as latin1: half the length of their digits. */
  private readonly numbers = new Map<string, number>();
  private readonly raw = new RawEvent();
  private key: Buffer | null = null;
  private value: Buffer | null = null;

  constructor(at: Position, { only, names = false }: CensusOptions) {
    this.at = at;
    this.isClosed = only !== undefined;
    this.names = names ? [] : null;
    for (const hash of only ?? []) this.add(textOf(Buffer.from(hash, 'hex')), hash);
  }

  push(key: Buffer, value: Buffer): void {
    if (this.key !== null && !isSamePlace(this.key, key)) this.end();
    if (keys.readPosition(key, key.length - 8) > this.at) return;
    this.key = key;
    this.value = value;
  }

  end(): void {
    const { key, value } = this;
    this.key = null;
    this.value = null;
    if (key === null || value === null || value.length === 0) return;
    const parent = keys.readPosition(key, 1);
    if (value[0] === 0) return this.directory(parent, keys.readPosition(value, 0));
    const file = this.fileIn(value);
    if (file === null) return;
    const content = this.numberOf(file.hash, file.size);
    if (content === undefined) return;
    this.parents.push(parent);
    this.contents.push(content);
    // A copy: the row's own memory goes with its batch.
    this.names?.push(Buffer.from(key.subarray(9, key.length - 9)));
  }

  private directory(parent: DirectoryId, id: DirectoryId): void {
    const siblings = this.children.get(parent);
    if (siblings) siblings.push(id);
    else this.children.set(parent, [id]);
  }

  /** Null for what has no content. */
  private fileIn(value: Buffer): { hash: Buffer; size: number } | null {
    const { raw } = this;
    if (raw.read(value) === 'file.ingested') return raw.hash && { hash: raw.hash, size: raw.size };
    if (peekType(value) !== 'file.ingested') return null;
    const event = decodeEvent(value, this.at);
    if (event.type !== 'file.ingested' || event.hash === null) return null;
    return { hash: Buffer.from(event.hash, 'hex'), size: event.size };
  }

  /** Undefined for a content that nobody asked for. */
  private numberOf(hash: Buffer, size: number): number | undefined {
    const text = textOf(hash);
    const known = this.numbers.get(text);
    if (known === undefined && this.isClosed) return undefined;
    const number = known ?? this.add(text, hash.toString('hex'));
    this.sizes[number] = size;
    return number;
  }

  private add(text: string, hash: Hash): number {
    this.numbers.set(text, this.hashes.length);
    this.sizes.push(0);
    return this.hashes.push(hash) - 1;
  }
}

function textOf(hash: Buffer): string {
  return hash.toString('latin1', 0, 32);
}

function isSamePlace(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && a.compare(b, 0, b.length - 8, 0, a.length - 8) === 0;
}

interface NumberedTree {
  readonly ids: DirectoryId[];
  readonly numbers: ReadonlyMap<DirectoryId, number>;
  readonly above: Int32Array;
  readonly last: Int32Array;
}

/** What hangs in the tree, from the root down; directories that were removed are not reached. */
function numberTree(children: ReadonlyMap<DirectoryId, readonly DirectoryId[]>): NumberedTree {
  const ids: DirectoryId[] = [];
  const above: number[] = [];
  const numbers = new Map<DirectoryId, number>();
  const stack: [id: DirectoryId, above: number][] = [[0, -1]];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [id, parent] = next;
    if (numbers.has(id)) continue;
    const number = ids.push(id) - 1;
    numbers.set(id, number);
    above.push(parent);
    const below = children.get(id) ?? [];
    for (let index = below.length - 1; index >= 0; index -= 1) stack.push([below[index]!, number]);
  }
  const tops = Int32Array.from(above);
  return { ids, numbers, above: tops, last: lastBelow(tops) };
}

/** By number, the greatest number of what is at or below. */
export function lastBelow(above: Int32Array): Int32Array {
  const last = Int32Array.from(above.keys());
  for (let number = above.length - 1; number > 0; number -= 1) {
    const parent = above[number]!;
    last[parent] = Math.max(last[parent]!, last[number]!);
  }
  return last;
}

/** Files of directories that hang in the tree, sorted by the directories' numbers. */
function filesInOrder(scan: EntryScan, tree: NumberedTree): Int32Array {
  const starts = new Int32Array(tree.ids.length + 1);
  const numbers = scan.parents.map((parent) => tree.numbers.get(parent) ?? -1);
  for (const number of numbers) if (number >= 0) starts[number + 1] = starts[number + 1]! + 1;
  for (let number = 0; number < tree.ids.length; number += 1)
    starts[number + 1] = starts[number + 1]! + starts[number]!;
  const files = new Int32Array(starts.at(-1)!);
  for (const [file, number] of numbers.entries()) {
    if (number < 0) continue;
    files[starts[number]!] = file;
    starts[number] = starts[number]! + 1;
  }
  return files;
}
