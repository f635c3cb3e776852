/** Random histories: each step is turned into events that are valid in the state it meets. */
import fc from 'fast-check';
import type { Attributes, EventRecord, Hash, HkfsEvent, Place } from '../../src/events/types.js';
import { isValidName } from '../../src/fs/names.js';
import { attributes, name as anyName } from '../events/arbitraries.js';
import {
  after,
  directoriesOf,
  EMPTY,
  entriesBelow,
  entryAt,
  lastHeld,
  snapshotAt,
  type Located,
  type Snapshot,
} from './model.js';
import { CREATED, hashOf, recordsOf } from './records.js';

/** Hashes that agree in few, many and all but one of their digits. */
export const HASHES: readonly Hash[] = [
  hashOf('00'),
  hashOf('ab'),
  hashOf('ab1'),
  `${'ab'.repeat(31)}ac`,
  'ab'.repeat(32),
  'f'.repeat(64),
];
export const INODES = [1n, 2n, 3n, 255n, 256n, 1n << 40n, (1n << 64n) - 1n].flatMap((inode) =>
  [1n, 2n, (1n << 64n) - 1n].map((device) => ({ device, inode })),
);
const ODD_NAMES = [
  'a',
  'b',
  'ab',
  'a\u0001',
  'é',
  'e\u0301',
  '\udcff',
  'a\nb',
  '-rf',
  `"'`,
  '\u{1f600}',
  '\ufeff',
];

export const name = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...ODD_NAMES) },
  { weight: 1, arbitrary: anyName.filter(isValidName) },
);

const ACTIONS = {
  directory: 4,
  file: 6,
  symlink: 1,
  special: 1,
  attributes: 2,
  rename: 4,
  remove: 3,
  restore: 4,
  store: 3,
  relocate: 1,
  discard: 1,
  verify: 1,
  damage: 1,
  heal: 1,
  tag: 1,
  operation: 1,
} as const;
type Action = keyof typeof ACTIONS;

export interface Step {
  readonly action: Action;
  /** Numbers that pick among what is there, whatever that is. */
  readonly picks: readonly [number, number, number];
  readonly name: string;
  readonly attributes: Attributes;
}

export const step: fc.Arbitrary<Step> = fc.record({
  action: fc.oneof(
    ...(Object.keys(ACTIONS) as Action[]).map((action) => ({
      weight: ACTIONS[action],
      arbitrary: fc.constant(action),
    })),
  ),
  picks: fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000)),
  name,
  attributes,
});

export interface History {
  readonly records: readonly EventRecord[];
  /** The snapshot after the record of the same index. */
  readonly snapshots: readonly Snapshot[];
}

export function history(maxSteps = 40): fc.Arbitrary<History> {
  return fc.array(step, { minLength: 1, maxLength: maxSteps, size: 'max' }).map(play);
}

export function play(steps: readonly Step[]): History {
  const records: EventRecord[] = [];
  const snapshots: Snapshot[] = [];
  const happen = (event: HkfsEvent): void => {
    const [record] = recordsOf([event], records.length);
    records.push(record!);
    snapshots.push(after(snapshots.at(-1) ?? EMPTY, record!));
  };
  happen(CREATED);
  for (const step of steps)
    for (const event of eventsOf(step, { now: snapshots.at(-1)!, next: records.length })) happen(event);
  return { records, snapshots };
}

function eventsOf(step: Step, { now, next }: { now: Snapshot; next: number }): HkfsEvent[] {
  const { action, name, attributes, picks } = step;
  const [first, second, third] = picks;
  const place = { parent: pick(directoriesOf(now), first)!.entry.id!, name };
  const some = pick([...entriesBelow(now.root)], second);
  switch (action) {
    case 'directory':
      return [...cleared(now, place, true), { type: 'directory.added', ...place, attributes }];
    case 'file':
      return [...cleared(now, place), { type: 'file.ingested', ...place, attributes, ...content(picks) }];
    case 'symlink':
      return [...cleared(now, place), { type: 'symlink.added', ...place, target: name, attributes }];
    case 'special':
      return [...cleared(now, place), special(place, attributes, third)];
    case 'attributes':
      return some ? [{ type: 'attributes.changed', ...some.place, attributes, source: sourceOf(third) }] : [];
    case 'rename':
      return some ? renamed(now, some, { to: place, clears: third % 2 === 0 }) : [];
    case 'remove':
      return some ? [{ type: 'path.removed', ...some.place }] : [];
    case 'restore':
      return restored(now, first % next, second);
    case 'tag':
      return [{ type: 'tag.added', tag: name, position: first % next }];
    case 'operation':
      return operation(first, second + 1);
    default:
      return objectEvents(action, picks, now);
  }
}

/** A directory is removed before something else takes its name, as ingesting does it. */
function cleared(now: Snapshot, place: Place, whatever = false): HkfsEvent[] {
  const there = entryAt(now, place);
  const isInTheWay = there !== undefined && (whatever || there.kind === 'directory');
  return isInTheWay ? [{ type: 'path.removed', ...place }] : [];
}

/** What stood somewhere once is there again, if its directory is, and it is not elsewhere itself. */
function restored(now: Snapshot, at: number, which: number): HkfsEvent[] {
  const then = pick([...entriesBelow(snapshotAt(now, at).root)], which);
  if (then === undefined) return [];
  const { place, entry } = then;
  const there = entryAt(now, place);
  const directories = directoriesOf(now).map((directory) => directory.entry.id);
  if (!directories.includes(place.parent)) return [];
  const isSame = entry.id !== null && there?.id === entry.id;
  if (entry.id !== null && !isSame && (directories.includes(entry.id) || isHeldElsewhere(now, then)))
    return [];
  return [...(isSame ? [] : cleared(now, place, entry.id !== null)), { type: 'path.restored', ...place, at }];
}

/** It went with a directory that was removed, and comes again with that one only. */
function isHeldElsewhere(now: Snapshot, { place, entry: { id } }: Located): boolean {
  for (let at: Snapshot | null = now; at; at = at.before) {
    const last = [...entriesBelow(at.root)].find(({ entry }) => entry.id === id);
    if (last === undefined) continue;
    const isThere = last.place.parent === place.parent && last.place.name === place.name;
    return !isThere && lastHeld(now, last.place.parent).get(last.place.name)?.id === id;
  }
  return false;
}

function renamed(
  now: Snapshot,
  { place: from, entry }: Located,
  { to, clears }: { to: Place; clears: boolean },
): HkfsEvent[] {
  if (from.parent === to.parent && from.name === to.name) return [];
  const inside = [...entriesBelow(entry)].map((below) => below.entry.id);
  if (entry.id !== null && (entry.id === to.parent || inside.includes(to.parent))) return [];
  const target = entryAt(now, to);
  const ids = target ? [target.id, ...[...entriesBelow(target)].map((below) => below.entry.id)] : [];
  if (ids.includes(from.parent)) return [];
  // A file's name may be taken at once; a directory is removed before.
  return [...cleared(now, to, clears || entry.id !== null), { type: 'path.renamed', from: { ...from }, to }];
}

function content([first, second, third]: Step['picks']): { hash: Hash | null; size: number; source: Source } {
  const hash = third % 8 === 0 ? null : pick(HASHES, first + second)!;
  return { hash, size: hash === null ? 0 : sizeOf(hash), source: sourceOf(third) };
}

type Source = Extract<HkfsEvent, { type: 'file.ingested' }>['source'];

function sourceOf(number: number): Source {
  return number % 3 === 0 ? null : { ...pick(INODES, number)!, ctimeNs: BigInt(number) };
}

export function sizeOf(hash: Hash): number {
  return HASHES.indexOf(hash) * 1000 + 1;
}

function special(place: Place, attributes: Attributes, number: number): HkfsEvent {
  const isDevice = number % 2 === 0;
  const kind = isDevice ? 'chardev' : 'fifo';
  const numbers = isDevice ? { major: number, minor: 1 } : { major: 0, minor: 0 };
  return { type: 'special.added', ...place, kind, ...numbers, attributes };
}

function operation(number: number, which: number): HkfsEvent[] {
  const counts = { files: number };
  if (number % 3 === 0) return [{ type: 'operation.completed', operation: which, counts }];
  if (number % 3 === 1) return [{ type: 'operation.failed', operation: which, reason: 'no', counts }];
  const who = { user: 'u', host: 'h', args: [], sources: [] };
  return [{ type: 'operation.started', operation: which, command: 'x', ...who }];
}

function objectEvents(action: Action, [first, second, third]: Step['picks'], now: Snapshot): HkfsEvent[] {
  const hash = pick(HASHES, first)!;
  const size = sizeOf(hash);
  const used = now.objects.get(hash)?.inodes ?? [];
  const from = pick(used, second);
  const free = pick(
    INODES.filter(({ device, inode }) => !now.inodes.has(`${device}:${inode}`)),
    third,
  );
  if (action === 'store' && free) return [{ type: 'object.stored', hash, size, ...free }];
  if (action === 'relocate' && from && free)
    return [{ type: 'object.relocated', hash, size, from: bare(from), to: free }];
  if (action === 'discard' && from) return [{ type: 'object.removed', hash, size, ...bare(from) }];
  if (action === 'verify') return [{ type: 'objects.verified', hashes: HASHES.slice(first % 6, second % 7) }];
  if (action === 'damage') return [{ type: 'object.damaged', hash, finding: 'content' }];
  if (action === 'heal') return [{ type: 'object.healed', hash, from: 'verify' }];
  return [];
}

function bare({ device, inode }: { device: bigint; inode: bigint }): { device: bigint; inode: bigint } {
  return { device, inode };
}

function pick<T>(all: readonly T[], number: number): T | undefined {
  return all.length === 0 ? undefined : all[number % all.length];
}
