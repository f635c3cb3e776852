/** Each type's fields from their stored order. The twin of event-writers.ts: change both together. */
import type { FieldReader } from './read-fields.js';
import type { EventType, HkfsEvent, OperationStarted, PrunedEntry } from './types.js';

const SPECIAL_KINDS = ['fifo', 'socket', 'chardev', 'blockdev'] as const;
const FINDINGS = ['missing', 'content', 'unreadable'] as const;
const REMOTE_KINDS = ['directory', 's3', 'bundle'] as const;
const HASH_ALGORITHMS = ['blake3-256'] as const;

/** One reader per type, so that the compiler finds a forgotten one. */
type Readers = { readonly [T in EventType]: (fields: FieldReader) => Extract<HkfsEvent, { type: T }> };

const READERS: Readers = {
  'archive.created': (fields) => ({
    type: 'archive.created',
    archiveId: fields.text(2),
    hashAlgorithm: fields.oneOf(3, HASH_ALGORITHMS),
  }),
  'operation.started': operationStarted,
  'operation.completed': (fields) => ({
    type: 'operation.completed',
    operation: fields.natural(2),
    counts: fields.counts(3),
    ...clock(fields, 4),
  }),
  'operation.failed': (fields) => ({
    type: 'operation.failed',
    operation: fields.natural(2),
    reason: fields.text(3),
    counts: fields.counts(4),
    ...clock(fields, 5),
  }),
  'directory.added': (fields) => ({
    type: 'directory.added',
    parent: fields.natural(2),
    name: fields.name(3),
    attributes: fields.attributes(4),
  }),
  'file.ingested': (fields) => ({
    type: 'file.ingested',
    parent: fields.natural(2),
    name: fields.name(3),
    hash: fields.isNull(4) ? null : fields.hash(4),
    size: fields.natural(5),
    attributes: fields.attributes(6),
    source: fields.source(7),
  }),
  'symlink.added': (fields) => ({
    type: 'symlink.added',
    parent: fields.natural(2),
    name: fields.name(3),
    target: fields.name(4),
    attributes: fields.attributes(5),
  }),
  'special.added': (fields) => ({
    type: 'special.added',
    parent: fields.natural(2),
    name: fields.name(3),
    kind: fields.oneOf(4, SPECIAL_KINDS),
    major: fields.natural(5),
    minor: fields.natural(6),
    attributes: fields.attributes(7),
  }),
  'attributes.changed': (fields) => ({
    type: 'attributes.changed',
    parent: fields.natural(2),
    name: fields.name(3),
    attributes: fields.attributes(4),
    source: fields.source(5),
  }),
  'path.renamed': (fields) => ({ type: 'path.renamed', from: fields.place(2), to: fields.place(4) }),
  'path.removed': (fields) => ({ type: 'path.removed', parent: fields.natural(2), name: fields.name(3) }),
  'path.restored': (fields) => ({
    type: 'path.restored',
    parent: fields.natural(2),
    name: fields.name(3),
    at: fields.natural(4),
  }),
  'paths.pruned': (fields) => ({
    type: 'paths.pruned',
    entries: fields.list(2, (entries, at) => prunedEntry(entries.nested(at))),
  }),
  'object.stored': (fields) => ({ type: 'object.stored', ...object(fields) }),
  'object.removed': (fields) => ({
    type: 'object.removed',
    ...object(fields),
    ...(fields.has(6) && { lastPath: fields.isNull(6) ? null : fields.text(6) }),
  }),
  'object.relocated': (fields) => ({
    type: 'object.relocated',
    hash: fields.hash(2),
    size: fields.natural(3),
    from: { device: fields.unsigned(4), inode: fields.unsigned(5) },
    to: { device: fields.unsigned(6), inode: fields.unsigned(7) },
  }),
  'object.damaged': (fields) => ({
    type: 'object.damaged',
    hash: fields.hash(2),
    finding: fields.oneOf(3, FINDINGS),
  }),
  'object.healed': (fields) => ({ type: 'object.healed', hash: fields.hash(2), from: fields.text(3) }),
  'objects.verified': (fields) => ({
    type: 'objects.verified',
    hashes: fields.list(2, readHash),
  }),
  'tag.added': (fields) => ({ type: 'tag.added', tag: fields.text(2), position: fields.natural(3) }),
  'tar.ingested': (fields) => ({
    type: 'tar.ingested',
    directory: fields.natural(2),
    name: fields.name(3),
    hash: fields.hash(4),
    size: fields.natural(5),
  }),
  'remote.added': (fields) => ({
    type: 'remote.added',
    name: fields.text(2),
    url: fields.text(3),
    kind: fields.oneOf(4, REMOTE_KINDS),
  }),
  'remote.removed': (fields) => ({ type: 'remote.removed', name: fields.text(2) }),
  'backup.completed': (fields) => ({
    type: 'backup.completed',
    remote: fields.text(2),
    size: fields.natural(3),
    root: fields.hash(4),
    objects: fields.natural(5),
    bytes: fields.natural(6),
  }),
  'copies.verified': (fields) => ({
    type: 'copies.verified',
    remote: fields.text(2),
    quick: fields.boolean(3),
    objects: fields.natural(4),
    bytes: fields.natural(5),
    damaged: fields.list(6, readHash),
    missing: fields.list(7, readHash),
    healed: fields.list(8, readHash),
    size: fields.natural(9),
    before: fields.natural(10),
    after: fields.isNull(11) ? null : fields.hash(11),
    upTo: fields.isNull(12) ? null : fields.hash(12),
  }),
};

type Reader = (fields: FieldReader) => HkfsEvent;

// A list, commonest first: cborg hands out freshly joined strings, and a map would have to hash each
// one (0.2 µs an event) where comparing stops at the length.
const READER_LIST: readonly (readonly [string, Reader])[] = [
  ['file.ingested', READERS['file.ingested']],
  ['object.stored', READERS['object.stored']],
  ...Object.entries(READERS),
];

/** What reads the fields of this type, in the newest schema version; undefined for an unknown type. */
export function readerOf(type: string): Reader | undefined {
  for (const [known, read] of READER_LIST) if (known === type) return read;
  return undefined;
}

function operationStarted(fields: FieldReader): OperationStarted {
  return {
    type: 'operation.started',
    operation: fields.natural(2),
    command: fields.text(3),
    args: fields.list(4, readText),
    user: fields.text(5),
    host: fields.text(6),
    sources: fields.list(7, readText),
    ...clock(fields, 8),
  };
}

/** Only where the log was ahead of it. */
function clock(fields: FieldReader, index: number): { clockMs?: number } {
  return fields.has(index) ? { clockMs: fields.natural(index) } : {};
}

function object(fields: FieldReader): { hash: string; size: number; device: bigint; inode: bigint } {
  return {
    hash: fields.hash(2),
    size: fields.natural(3),
    device: fields.unsigned(4),
    inode: fields.unsigned(5),
  };
}

function prunedEntry(fields: FieldReader): PrunedEntry {
  return {
    ...fields.place(0),
    hash: fields.isNull(2) ? null : fields.hash(2),
    kept: fields.has(3) ? fields.place(3) : null,
  };
}

function readText(fields: FieldReader, at: number): string {
  return fields.text(at);
}

function readHash(fields: FieldReader, at: number): string {
  return fields.hash(at);
}
