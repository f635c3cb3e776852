/** Objects by the million: 40 bytes each. */
import type { Hash } from '../../events/types.js';

const HASH_BYTES = 32;
const FIRST_ROOM = 1024;

export interface ListedObject {
  readonly hash: Hash;
  readonly size: number;
}

export class ObjectList {
  bytes = 0;
  length = 0;
  private hashes = Buffer.alloc(FIRST_ROOM * HASH_BYTES);
  private sizes = new Float64Array(FIRST_ROOM);

  /** @param hash 32 bytes */
  add(hash: Buffer, size: number): void {
    if (this.length === this.sizes.length) this.grow();
    hash.copy(this.hashes, this.length * HASH_BYTES);
    this.sizes[this.length] = size;
    this.length += 1;
    this.bytes += size;
  }

  at(index: number): ListedObject {
    const start = index * HASH_BYTES;
    return { hash: this.hashes.toString('hex', start, start + HASH_BYTES), size: this.sizes[index]! };
  }

  *[Symbol.iterator](): Generator<ListedObject> {
    for (let index = 0; index < this.length; index += 1) yield this.at(index);
  }

  /** Those that `keeps`, in the same order. */
  filter(keeps: (object: ListedObject) => boolean): ObjectList {
    const kept = new ObjectList();
    for (const object of this) if (keeps(object)) kept.add(Buffer.from(object.hash, 'hex'), object.size);
    return kept;
  }

  private grow(): void {
    this.hashes = Buffer.concat([this.hashes, Buffer.alloc(this.hashes.length)]);
    const sizes = new Float64Array(this.sizes.length * 2);
    sizes.set(this.sizes);
    this.sizes = sizes;
  }
}
