/**
 * What this run put where, in 16 bytes a place: a tar of millions of members fits in memory, names and
 * all its directories. A place is known by a fingerprint of 64 bits with a salt of this run, so that no
 * tar can be made in which two places meet.
 */
import { randomBytes } from 'node:crypto';
import { nameToBytes } from '../../../events/names.js';
import type { Place, Position } from '../../../events/types.js';
import { hashBytes } from '../../../fs/hash.js';

export type SeenKind = 'directory' | 'file' | 'linked' | 'other';

export interface Seen {
  /** Of the event that put the entry there; a directory's id. */
  readonly position: Position;
  /** `linked`: a file that is known to have several names; `other`: a symlink or a special. */
  readonly kind: SeenKind;
}

const KINDS: readonly SeenKind[] = ['directory', 'file', 'linked', 'other'];
const FIRST_CAPACITY = 1 << 12;
const SALT = 16;

export class SeenPlaces {
  private readonly salt = randomBytes(SALT);
  private prints = new BigUint64Array(FIRST_CAPACITY);
  /** Position times four plus kind; exact below 2^53, which 2^51 events never reach. */
  private values = new Float64Array(FIRST_CAPACITY);
  private count = 0;

  get(place: Place): Seen | undefined {
    const slot = slotOf(this.prints, this.fingerprint(place));
    if (this.prints[slot] === 0n) return undefined;
    const value = this.values[slot]!;
    return { position: Math.floor(value / KINDS.length), kind: KINDS[value % KINDS.length]! };
  }

  set(place: Place, { position, kind }: Seen): void {
    if (this.count * 2 >= this.prints.length) this.grow();
    const print = this.fingerprint(place);
    const slot = slotOf(this.prints, print);
    if (this.prints[slot] === 0n) this.count += 1;
    this.prints[slot] = print;
    this.values[slot] = position * KINDS.length + KINDS.indexOf(kind);
  }

  private grow(): void {
    const { prints, values } = this;
    this.prints = new BigUint64Array(prints.length * 2);
    this.values = new Float64Array(prints.length * 2);
    for (const [at, print] of prints.entries()) {
      if (print === 0n) continue;
      const slot = slotOf(this.prints, print);
      this.prints[slot] = print;
      this.values[slot] = values[at]!;
    }
  }

  /** Never 0, which marks an empty slot. */
  private fingerprint({ parent, name }: Place): bigint {
    const bytes = nameToBytes(name);
    const key = Buffer.allocUnsafe(SALT + 8 + bytes.length);
    key.set(this.salt);
    key.writeDoubleBE(parent, SALT);
    key.set(bytes, SALT + 8);
    return hashBytes(key).readBigUInt64LE(0) || 1n;
  }
}

/** Where the print is, or would be. */
function slotOf(prints: BigUint64Array, print: bigint): number {
  const mask = prints.length - 1;
  let slot = Number(print & 0xffff_ffffn) & mask;
  while (prints[slot] !== 0n && prints[slot] !== print) slot = (slot + 1) & mask;
  return slot;
}
