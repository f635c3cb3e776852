/**
 * A stretch of the tar in shared memory: heads are put there in order, contents by the threads, each where
 * it belongs.
 */
import type { EntryKind } from '../../events/types.js';
import type { FillTask } from '../../fs/tasks.js';
import { paddingOf } from '../../tar/write-block.js';

/** It is handed on when it has so many bytes or members; larger contents go by themselves. */
export const IMAGE_BYTES = 4 << 20;
const IMAGE_MEMBERS = 512;
const HASH_BYTES = 32;
/** Heads are small and contents at most as large as an image: what begins within one ends within this. */
export const USUAL_CAPACITY = 2 * IMAGE_BYTES + (1 << 20);

/** A member on its way. */
export interface Part {
  /** In the archive, for messages. */
  readonly path: string;
  readonly kind: EntryKind;
  readonly size: number;
  /** Of the group of which it is the first name, or a further one. */
  readonly group: string | null;
  readonly isLink: boolean;
}

export interface ImagePart extends Part {
  readonly start: number;
  readonly end: number;
  /** Its content's number in the image; -1: none. */
  readonly content: number;
  /** Why the format cannot hold it: then nothing of it is here. */
  readonly refused: string | null;
}

export class Image {
  readonly parts: ImagePart[] = [];
  readonly bytes: Buffer;
  length = 0;
  private readonly memory: SharedArrayBuffer;
  private readonly hashes = new Uint8Array(IMAGE_MEMBERS * HASH_BYTES);
  private readonly places = new Float64Array(IMAGE_MEMBERS * 2);
  private contents = 0;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.bytes = Buffer.from(memory);
  }

  get isFull(): boolean {
    return this.length >= IMAGE_BYTES || this.parts.length >= IMAGE_MEMBERS;
  }

  hasRoom(bytes: number): boolean {
    return this.length + bytes <= this.bytes.length;
  }

  /** A member whose head was written where the image ended. */
  add({ path, kind, size, group, isLink }: Part, headBytes: number, hash: Uint8Array | null): void {
    const start = this.length;
    const at = start + headBytes;
    const end = at + size + paddingOf(size);
    const content = hash === null ? -1 : this.place(hash, at, size);
    this.bytes.fill(0, at + size, end);
    this.parts.push({ path, kind, size, group, isLink, start, end, content, refused: null });
    this.length = end;
  }

  /** So that it is told in its turn. */
  addRefused(part: Part, refused: string): void {
    this.parts.push({ ...part, start: this.length, end: this.length, content: -1, refused });
  }

  /** Null where there is nothing to read. */
  task(objects: string): FillTask | null {
    if (this.contents === 0) return null;
    const hashes = this.hashes.subarray(0, this.contents * HASH_BYTES);
    const places = this.places.subarray(0, this.contents * 2);
    return { task: 'fill', objects, image: this.memory, hashes, places };
  }

  /** The same for those that could not be had, with other files that may have their bytes. */
  retry(
    objects: string,
    others: ReadonlyMap<number, readonly string[]>,
  ): { task: FillTask; numbers: number[] } {
    const numbers = [...others.keys()];
    const hashes = Buffer.concat(numbers.map((content) => this.hashAt(content)));
    const places = Float64Array.from(
      numbers.flatMap((content) => [...this.places.subarray(2 * content, 2 * content + 2)]),
    );
    const byNumber = new Map(numbers.map((content, at) => [at, others.get(content)!]));
    const task = { task: 'fill', objects, image: this.memory, hashes, places, others: byNumber } as const;
    return { task, numbers };
  }

  hashAt(content: number): Uint8Array {
    return this.hashes.subarray(content * HASH_BYTES, (content + 1) * HASH_BYTES);
  }

  /** Its memory, for another one; null where that is of no usual size. */
  spare(): SharedArrayBuffer | null {
    return this.memory.byteLength === USUAL_CAPACITY ? this.memory : null;
  }

  private place(hash: Uint8Array, at: number, size: number): number {
    const content = this.contents++;
    this.hashes.set(hash, content * HASH_BYTES);
    this.places[2 * content] = at;
    this.places[2 * content + 1] = size;
    return content;
  }
}
