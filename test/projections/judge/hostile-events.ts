/** Events as a stranger may write them: most could come next, some only nearly, some not at all. */
import fc from 'fast-check';
import { isRemoteName, whyNoTag } from '../../../src/events/chosen-names.js';
import type { EventRecord, HkfsEvent, Place } from '../../../src/events/types.js';
import * as arbitraries from '../../events/arbitraries.js';
import { ATTRIBUTES, recordsOf } from '../records.js';

/** Names that lead elsewhere, or that no file system takes. */
export const HOSTILE_NAMES = [
  '..',
  '.',
  '',
  '/',
  '../decoy',
  '../../decoy',
  'a/../../decoy',
  'a/b',
  'a\0b',
  '\0',
  '.hkfs',
  '.hkfs/objects',
  'n'.repeat(256),
  'é'.repeat(128),
];
/** Few, so that things meet. */
const NAMES = ['a', 'b', 'c', '.d'];
const ODD_NUMBERS = [2 ** 31, 2 ** 32, 2 ** 53 - 1];

const KINDS = {
  directory: 6,
  file: 3,
  symlink: 1,
  special: 1,
  attributes: 2,
  rename: 6,
  remove: 4,
  restore: 5,
  other: 2,
} as const;
type Kind = keyof typeof KINDS;

const seldom = <T>(odd: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: odd });
const numbers = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000));
const step = fc.record({
  kind: fc.oneof(
    ...Object.entries(KINDS).map(([kind, weight]) => ({
      weight,
      arbitrary: fc.constant(kind as Kind),
    })),
  ),
  numbers,
  /** In place of the name that would be taken. */
  name: seldom(fc.oneof(fc.constantFrom(...HOSTILE_NAMES), arbitraries.name)),
  number: seldom(fc.constantFrom(...ODD_NUMBERS)),
  any: arbitraries.event,
});
export type HostileStep = typeof step extends fc.Arbitrary<infer T> ? T : never;

export const hostileSteps: fc.Arbitrary<HostileStep[]> = fc.array(step, {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});

/** What a stranger knows of the log so far. */
export interface SoFar {
  /** Directories that were ever added, and the root. */
  readonly directories: readonly number[];
  /** Places that were ever spoken of. */
  readonly places: readonly Place[];
  readonly position: number;
}

export function soFar(events: readonly HkfsEvent[]): SoFar {
  const added = events.flatMap(({ type }, position) => (type === 'directory.added' ? [position] : []));
  const places = events.flatMap((event) =>
    event.type === 'path.renamed' ? [event.from, event.to] : 'parent' in event ? [placeOf(event)] : [],
  );
  return { directories: [0, ...added], places, position: events.length };
}

export function nextEvent({ kind, numbers, name, number, any }: HostileStep, known: SoFar): HkfsEvent {
  const [first, second, third, fourth] = numbers;
  const parent = number ?? pick(known.directories, first)!;
  const place = { parent, name: name ?? pick(NAMES, second)! };
  const spoken = third % 4 === 0 ? place : (pick(known.places, third) ?? place);
  const attributes = { ...ATTRIBUTES, ...(number !== null && fourth % 2 === 0 && { gid: number }) };
  switch (kind) {
    case 'directory':
      return { type: 'directory.added', ...place, attributes };
    case 'file':
      return { type: 'file.ingested', ...place, hash: null, size: 0, attributes, source: null };
    case 'symlink':
      return { type: 'symlink.added', ...place, target: pick(TARGETS, third)!, attributes };
    case 'special':
      return { type: 'special.added', ...place, kind: 'fifo', major: 0, minor: 0, attributes };
    case 'attributes':
      return { type: 'attributes.changed', ...spoken, attributes, source: null };
    case 'rename':
      return { type: 'path.renamed', from: spoken, to: place };
    case 'remove':
      return { type: 'path.removed', ...spoken };
    case 'restore':
      return { type: 'path.restored', ...spoken, at: number ?? fourth % (known.position + 1) };
    case 'other':
      return first % 4 === 0 ? any : tame(any);
  }
}

const TARGETS = ['..', '/etc', 'a', '../../decoy', 'no\0thing'];

/** Of the operation that is under way, and by names that their commands take. */
export function tame(event: HkfsEvent): HkfsEvent {
  if (event.type === 'archive.created') return { type: 'object.healed', hash: 'a'.repeat(64), from: 'x' };
  if (event.type === 'tag.added') {
    const tag = whyNoTag(event.tag) === null ? event.tag : 'tag';
    return { ...event, tag, position: 0 };
  }
  if ('operation' in event) return { ...event, operation: 1 };
  if ('remote' in event && !isRemoteName(event.remote)) return { ...event, remote: 'disk' };
  if (!('attributes' in event)) return event;
  const { mode, mtimeNs, user, group } = event.attributes;
  return { ...event, attributes: { ...ATTRIBUTES, mode, mtimeNs, user, group } };
}

/** The first event is of no operation, all others are of the first one. */
export function numbered(events: readonly HkfsEvent[], first = 0): EventRecord[] {
  return recordsOf(events, first).map((record) => ({ ...record, operation: Math.min(1, record.position) }));
}

function placeOf({ parent, name }: Place): Place {
  return { parent, name };
}

function pick<T>(all: readonly T[], number: number): T | undefined {
  return all.length === 0 ? undefined : all[number % all.length];
}
