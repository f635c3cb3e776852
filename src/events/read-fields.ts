/** From what is stored to the types: every field is checked before it is believed. */
import { HkfsError } from '../errors.js';
import { nameFromBytes } from './names.js';
import type { Attributes, Hash, Place, Position, SourceIdentity, Xattr } from './types.js';
import type { StoredFields } from './upcast.js';
import { COUNT_KEY, isPlainText, MAX_MODE } from './write-fields.js';

const HASH_BYTES = 32;
// A Buffer over cborg's small arrays would first move them out of V8's heap: 0.4 µs for each hash.
const hashScratch = Buffer.alloc(HASH_BYTES);

/**
 * The fields of one event, read by index. Further fields than are asked for are tolerated: arrays
 * only ever grow at the end. Every method throws HkfsError LOG_DAMAGED naming the position.
 */
export class FieldReader {
  readonly #fields: StoredFields;
  readonly #position: Position;

  constructor(fields: StoredFields, position: Position) {
    this.#fields = fields;
    this.#position = position;
  }

  natural(index: number): number {
    const value = this.#fields[index];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw this.#wrong(index, 'a natural number');
    return value;
  }

  integer(index: number): bigint {
    const value = this.#fields[index];
    if (typeof value === 'bigint') return value;
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.#wrong(index, 'an integer');
    return BigInt(value);
  }

  unsigned(index: number): bigint {
    const value = this.integer(index);
    if (value < 0n) throw this.#wrong(index, 'an unsigned integer');
    return value;
  }

  boolean(index: number): boolean {
    const value = this.#fields[index];
    if (typeof value !== 'boolean') throw this.#wrong(index, 'true or false');
    return value;
  }

  bytes(index: number): Uint8Array {
    const value = this.#fields[index];
    if (!(value instanceof Uint8Array)) throw this.#wrong(index, 'a byte string');
    return value;
  }

  name(index: number): string {
    return nameFromBytes(this.bytes(index));
  }

  hash(index: number): Hash {
    const bytes = this.bytes(index);
    if (bytes.length !== HASH_BYTES) throw this.#wrong(index, 'a hash');
    hashScratch.set(bytes);
    return hashScratch.toString('hex');
  }

  text(index: number): string {
    const value = this.#fields[index];
    if (typeof value === 'string') return value;
    const name = this.name(index);
    if (isPlainText(name)) throw this.#wrong(index, 'text');
    return name;
  }

  oneOf<T extends string>(index: number, values: readonly T[]): T {
    const value = this.#fields[index];
    const found = values.find((each) => each === value);
    if (found === undefined) throw this.#wrong(index, `one of ${values.join(', ')}`);
    return found;
  }

  has(index: number): boolean {
    return index < this.#fields.length;
  }

  isNull(index: number): boolean {
    return this.#fields[index] === null;
  }

  nested(index: number): FieldReader {
    return new FieldReader(this.#array(index), this.#position);
  }

  /** Every element of a nested array, read by `read` with a reader and the element's index. */
  list<T>(index: number, read: (fields: FieldReader, at: number) => T): T[] {
    const values = this.#array(index);
    const reader = new FieldReader(values, this.#position);
    return values.map((_, at) => read(reader, at));
  }

  counts(index: number): Readonly<Record<string, number>> {
    const value = this.#fields[index];
    if (!isCounts(value)) throw this.#wrong(index, 'a map of counts');
    return value;
  }

  place(index: number): Place {
    return { parent: this.natural(index), name: this.name(index + 1) };
  }

  source(index: number): SourceIdentity | null {
    if (this.isNull(index)) return null;
    const fields = this.nested(index);
    return { device: fields.unsigned(0), inode: fields.unsigned(1), ctimeNs: fields.integer(2) };
  }

  attributes(index: number): Attributes {
    const fields = this.nested(index);
    const mode = fields.natural(0);
    if (mode > MAX_MODE) throw this.#wrong(index, 'attributes with a mode');
    const common: Attributes = {
      mode,
      uid: fields.natural(1),
      gid: fields.natural(2),
      user: fields.isNull(3) ? null : fields.text(3),
      group: fields.isNull(4) ? null : fields.text(4),
      mtimeNs: fields.integer(5),
    };
    return fields.has(6) ? { ...common, ...rareAttributes(fields.nested(6)) } : common;
  }

  #array(index: number): readonly unknown[] {
    const value = this.#fields[index];
    if (!Array.isArray(value)) throw this.#wrong(index, 'an array');
    return value;
  }

  #wrong(index: number, expected: string): HkfsError {
    return new HkfsError(
      'LOG_DAMAGED',
      `event ${this.#position} is damaged: field ${index} is not ${expected}`,
    );
  }
}

function rareAttributes(fields: FieldReader): Pick<Attributes, 'xattrs' | 'sparse' | 'linkGroup'> {
  const xattrs = fields.list(0, readXattr);
  const sparse = fields.boolean(1);
  const group = fields.isNull(2) ? undefined : fields.nested(2);
  return {
    ...(xattrs.length > 0 && { xattrs }),
    ...(sparse && { sparse }),
    ...(group && { linkGroup: [group.unsigned(0), group.unsigned(1)] as const }),
  };
}

function readXattr(fields: FieldReader, at: number): Xattr {
  const pair = fields.nested(at);
  return [pair.name(0), pair.bytes(1)];
}

function isCounts(value: unknown): value is Readonly<Record<string, number>> {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) || value instanceof Uint8Array) return false;
  return Object.entries(value).every(
    ([key, count]) => COUNT_KEY.test(key) && Number.isSafeInteger(count) && count >= 0,
  );
}
