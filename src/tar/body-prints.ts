/**
 * Whether a hard link that states a size has a body. Most writers state the size of the file and store
 * nothing; pax may store the file once more. A body begins as the file that the link names, and that is what
 * tells: a header of the next member, damaged or not, does not.
 */
import { BLOCK, isZeroBlock } from './header.js';

const FIRST_CAPACITY = 1 << 10;
/** Of FNV and of MurmurHash: nobody but the maker of a tar is fooled by two that meet. */
const SEEDS = [0x811c9dc5, 0x9747b28c] as const;
const FACTORS = [0x01000193, 0x5bd1e995] as const;
const SLASH = 0x2f;
const DOT = 0x2e;

/** Names of files with how their contents begin, 8 bytes a file. */
export class BodyPrints {
  private prints = new Float64Array(FIRST_CAPACITY);
  private count = 0;

  /** @param zeros blocks of zeros before `block`, the first that is none; null where there is none */
  add(name: Uint8Array, zeros: number, block: Buffer | null): void {
    if (this.count * 2 >= this.prints.length) this.grow();
    this.put(printOf(name, zeros, block));
  }

  has(name: Uint8Array, zeros: number, block: Buffer | null): boolean {
    const print = printOf(name, zeros, block);
    return this.prints[this.slotOf(print)] === print;
  }

  private put(print: number): void {
    const slot = this.slotOf(print);
    if (this.prints[slot] === 0) this.count += 1;
    this.prints[slot] = print;
  }

  private grow(): void {
    const { prints } = this;
    this.prints = new Float64Array(prints.length * 2);
    this.count = 0;
    for (const print of prints) if (print !== 0) this.put(print);
  }

  private slotOf(print: number): number {
    const mask = this.prints.length - 1;
    let slot = print % this.prints.length;
    while (this.prints[slot] !== 0 && this.prints[slot] !== print) slot = (slot + 1) & mask;
    return slot;
  }
}

/** The beginning of a content as it comes, up to the first block that is not zeros. */
export class Beginning {
  private readonly name: Uint8Array;
  private zeros = 0;
  /** Of a block that comes in pieces. */
  private partial: Buffer | null = null;
  private filled = 0;

  constructor(name: Uint8Array) {
    this.name = name;
  }

  /** @returns true when it is known, and no more bytes are wanted */
  take(bytes: Buffer, isLast: boolean, prints: BodyPrints): boolean {
    for (let at = 0; at < bytes.length;) {
      const isWhole = this.filled === 0 && bytes.length - at >= BLOCK;
      const block = isWhole ? bytes.subarray(at, at + BLOCK) : this.fill(bytes, at, isLast);
      if (block === null) return false;
      at += isWhole ? BLOCK : this.taken;
      if (isZeroBlock(block)) this.zeros += 1;
      else {
        prints.add(this.name, this.zeros, block);
        return true;
      }
    }
    if (isLast) prints.add(this.name, this.zeros, null);
    return isLast;
  }

  private taken = 0;

  /** Null while the block is not complete; the last one of a content may be short. */
  private fill(bytes: Buffer, at: number, isLast: boolean): Buffer | null {
    this.partial ??= Buffer.alloc(BLOCK);
    this.taken = bytes.copy(this.partial, this.filled, at);
    this.filled += this.taken;
    const isComplete = this.filled === BLOCK || (isLast && at + this.taken === bytes.length);
    if (!isComplete) return null;
    const block = this.partial.fill(0, this.filled);
    this.filled = 0;
    return block;
  }
}

/** A whole number from 1 to below 2^53. */
function printOf(name: Uint8Array, zeros: number, block: Buffer | null): number {
  let low = Math.imul(SEEDS[0] ^ zeros, FACTORS[0]);
  let high = Math.imul(SEEDS[1] ^ zeros, FACTORS[1]);
  const mix = (value: number): void => {
    low = Math.imul(low ^ value, FACTORS[0]);
    high = Math.imul(high ^ value, FACTORS[1]);
    high ^= high >>> 15;
  };
  for (let at = startOf(name); at < name.length; at += 1) mix(name[at]!);
  mix(block === null ? 0x100 : 0x200);
  if (block !== null) for (let at = 0; at < BLOCK; at += 4) mix(block.readInt32LE(at));
  low ^= low >>> 15;
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0) || 1;
}

/** Without what does not matter in front: `./a` and `/a` are `a`. */
function startOf(name: Uint8Array): number {
  let at = 0;
  while (name[at] === SLASH || (name[at] === DOT && name[at + 1] === SLASH)) at += 1;
  return at;
}
