import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEvent } from '../../src/events/codec.js';
import type {
  Attributes,
  DirectoryAdded,
  EventRecord,
  FileIngested,
  HkfsEvent,
  ObjectStored,
  PathRemoved,
  PathRestored,
  PathRenamed,
  Position,
  SymlinkAdded,
} from '../../src/events/types.js';
import { PREFIX } from '../../src/projections/keys.js';
import { readRows, Views } from '../../src/projections/views.js';

export const ATTRIBUTES: Attributes = {
  mode: 0o640,
  uid: 1000,
  gid: 100,
  user: 'ann',
  group: 'users',
  mtimeNs: 1_600_000_000_123_456_789n,
};
export const SOURCE = { device: 7n, inode: 42n, ctimeNs: 1_600_000_001_000_000_001n };
export const CREATED: HkfsEvent = {
  type: 'archive.created',
  archiveId: '00000000-0000-4000-8000-000000000000',
  hashAlgorithm: 'blake3-256',
};

/** A hash that begins with these digits. */
export function hashOf(digits: string): string {
  return digits.padEnd(64, '0');
}

export function directory(parent: number, name: string, attributes = ATTRIBUTES): DirectoryAdded {
  return { type: 'directory.added', parent, name, attributes };
}

export function file(parent: number, name: string, fields: Partial<FileIngested> = {}): FileIngested {
  const content = { hash: hashOf('aa'), size: 3, attributes: ATTRIBUTES, source: null };
  return { type: 'file.ingested', parent, name, ...content, ...fields };
}

export function symlink(parent: number, name: string, target: string): SymlinkAdded {
  return { type: 'symlink.added', parent, name, target, attributes: ATTRIBUTES };
}

export function removal(parent: number, name: string): PathRemoved {
  return { type: 'path.removed', parent, name };
}

export function restoration(parent: number, name: string, at: number): PathRestored {
  return { type: 'path.restored', parent, name, at };
}

export function rename(from: [number, string], to: [number, string]): PathRenamed {
  const place = ([parent, name]: [number, string]): PathRenamed['from'] => ({ parent, name });
  return { type: 'path.renamed', from: place(from), to: place(to) };
}

export function stored(hash: string, inode: bigint, size = 3): ObjectStored {
  return { type: 'object.stored', hash, size, device: 1n, inode };
}

/** Events as the log gives them: at positions from `first` on, a second apart. */
export function recordsOf(events: readonly HkfsEvent[], first: Position = 0): EventRecord[] {
  return events.map((event, at) => ({
    position: first + at,
    timeMs: timeOf(first + at),
    operation: 1,
    event,
    bytes: encodeEvent(event),
  }));
}

export function timeOf(position: Position): number {
  return 1_700_000_000_000 + position * 1000;
}

/** Runs `use` with the path of a directory that is not there yet and will be gone afterwards. */
export async function withLocation<T>(use: (location: string) => Promise<T>): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'hkfs-views-'));
  try {
    return await use(join(scratch, 'views'));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs `use` with views that have folded these events. */
export async function withViews<T>(
  events: readonly HkfsEvent[],
  use: (views: Views) => Promise<T>,
): Promise<T> {
  return withLocation(async (location) => {
    const views = await openViews(location);
    try {
      if (events.length > 0) await views.apply(recordsOf(events));
      return await use(views);
    } finally {
      await views.close();
    }
  });
}

export async function openViews(location: string): Promise<Views> {
  const views = await Views.open(location, true);
  if (views === null) throw new Error(`${location} holds views of another version`);
  return views;
}

/** Every row that is derived from the log, as hexadecimal digits. */
export async function rowsOf(views: Views): Promise<string[]> {
  const rows: string[] = [];
  for await (const batch of readRows(views.level, { gte: Buffer.from([0]), lt: Buffer.from([PREFIX.local]) }))
    for (const { key, value } of batch) rows.push(`${key.toString('hex')} = ${value.toString('hex')}`);
  return rows;
}
