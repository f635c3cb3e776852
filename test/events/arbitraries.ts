import fc from 'fast-check';
import { nameFromBytes } from '../../src/events/names.js';
import type { Attributes, HkfsEvent, SourceIdentity } from '../../src/events/types.js';

/** Bytes that are often almost UTF-8: fragments of valid and broken sequences, then anything. */
export const nameBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 3 }).map((text) => Buffer.from(text)),
        fc
          .constantFrom(
            'c3',
            'a9',
            'e282',
            'eda080',
            'edb2ff',
            'c080',
            'f09f98',
            'f4908080',
            'efbfbd',
            'efbbbf',
          )
          .map((hex) => Buffer.from(hex, 'hex')),
      ),
      { maxLength: 8 },
    )
    .map((parts) => new Uint8Array(Buffer.concat(parts))),
);

export const name = nameBytes.map(nameFromBytes);
export const text = fc.oneof(name, fc.string(), fc.constant('\uFEFFmarked'));
export const natural = fc.maxSafeNat();
export const unsigned = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
export const nanoseconds = fc.oneof(
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.bigInt({ min: -30n, max: 30n }),
);
export const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

const counts = fc.dictionary(fc.stringMatching(/^[!-~]{1,12}$/), natural, { noNullPrototype: true });
const pair = fc.tuple(unsigned, unsigned);
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });

const rare = fc.record(
  {
    xattrs: fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 80 })), { minLength: 1, maxLength: 3 }),
    sparse: fc.constant(true),
    linkGroup: pair,
  },
  { requiredKeys: [], noNullPrototype: true },
);
export const attributes: fc.Arbitrary<Attributes> = fc
  .tuple(
    fc.record(
      {
        mode: fc.nat(0o7777),
        uid: natural,
        gid: natural,
        user: orNull(text),
        group: orNull(text),
        mtimeNs: nanoseconds,
      },
      { noNullPrototype: true },
    ),
    fc.oneof(fc.constant({}), rare),
  )
  .map(([common, others]) => ({ ...common, ...others }));

const source: fc.Arbitrary<SourceIdentity | null> = orNull(
  fc.record({ device: unsigned, inode: unsigned, ctimeNs: nanoseconds }, { noNullPrototype: true }),
);
const place = { parent: natural, name };
const inode = fc.record({ device: unsigned, inode: unsigned }, { noNullPrototype: true });
const object = { hash, size: natural, device: unsigned, inode: unsigned };

const pruned = fc.record(
  { ...place, hash: orNull(hash), kept: orNull(fc.record(place, { noNullPrototype: true })) },
  { noNullPrototype: true },
);

/** One arbitrary for each event type, without the type itself. The record makes a forgotten one fail to compile. */
const FIELDS = {
  'archive.created': { archiveId: fc.uuid(), hashAlgorithm: fc.constant('blake3-256') },
  'operation.started': {
    operation: natural,
    command: text,
    args: fc.array(text, { maxLength: 4 }),
    user: text,
    host: text,
    sources: fc.array(text, { maxLength: 4 }),
  },
  'operation.completed': { operation: natural, counts },
  'operation.failed': { operation: natural, reason: text, counts },
  'directory.added': { ...place, attributes },
  'file.ingested': { ...place, hash: orNull(hash), size: natural, attributes, source },
  'symlink.added': { ...place, target: name, attributes },
  'special.added': {
    ...place,
    kind: fc.constantFrom('fifo', 'socket', 'chardev', 'blockdev'),
    major: natural,
    minor: natural,
    attributes,
  },
  'attributes.changed': { ...place, attributes, source },
  'path.renamed': {
    from: fc.record(place, { noNullPrototype: true }),
    to: fc.record(place, { noNullPrototype: true }),
  },
  'path.removed': place,
  'path.restored': { ...place, at: natural },
  'paths.pruned': { entries: fc.array(pruned, { maxLength: 4 }) },
  'object.stored': object,
  'object.relocated': { hash, size: natural, from: inode, to: inode },
  'object.removed': object,
  'object.damaged': { hash, finding: fc.constantFrom('missing', 'content', 'unreadable') },
  'object.healed': { hash, from: text },
  'objects.verified': { hashes: fc.array(hash, { maxLength: 5 }) },
  'tag.added': { tag: text, position: natural },
  'tar.ingested': { directory: natural, name, hash, size: natural },
  'remote.added': { name: text, url: text, kind: fc.constantFrom('directory', 's3', 'bundle') },
  'remote.removed': { name: text },
  'backup.completed': { remote: text, size: natural, root: hash, objects: natural, bytes: natural },
  'copies.verified': {
    remote: text,
    quick: fc.boolean(),
    objects: natural,
    bytes: natural,
    damaged: fc.array(hash, { maxLength: 3 }),
    missing: fc.array(hash, { maxLength: 3 }),
    healed: fc.array(hash, { maxLength: 3 }),
    size: natural,
    before: natural,
    after: fc.option(hash, { nil: null }),
    upTo: fc.option(hash, { nil: null }),
  },
} satisfies Record<HkfsEvent['type'], Record<string, fc.Arbitrary<unknown>>>;

export const EVENT_TYPES = Object.keys(FIELDS) as HkfsEvent['type'][];

/** Fields that an event of the type may have or not. */
const RARE: Partial<Record<HkfsEvent['type'], Record<string, fc.Arbitrary<unknown>>>> = {
  'object.removed': { lastPath: orNull(text) },
};

export function eventOfType(type: HkfsEvent['type']): fc.Arbitrary<HkfsEvent> {
  const fields: Record<string, fc.Arbitrary<unknown>> = FIELDS[type];
  return fc
    .record({ ...fields, ...RARE[type] }, { requiredKeys: Object.keys(fields), noNullPrototype: true })
    .map((values) => ({ type, ...values }) as HkfsEvent);
}

export const event: fc.Arbitrary<HkfsEvent> = fc.oneof(...EVENT_TYPES.map(eventOfType));
