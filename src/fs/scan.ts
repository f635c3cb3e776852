/** Reading directories: names, lstat of each, and what only some entries have. */
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { errnoOf } from '../errors.js';
import type { Xattr } from '../events/types.js';
import { withoutDescriptors } from './held-directories.js';
import { failpoint } from './failpoints.js';
import { openAnchor } from './long-path.js';
import { baseName, joinPath, nameFromBytes, parentPath, readDirectoryNames, toFsPath } from './names.js';
import type { Posix } from './posix.js';
import { StatTable, storable } from './stats.js';
import type { CountResult, CountTask, EntryFailure, Listing, LstatTask, ScanTask } from './tasks.js';

const TYPE_BITS = 0o170000n;
const SYMLINK = 0o120000n;
const REPLACEMENT = '\uFFFD';

/** Lists a directory sorted by name. @throws the errno of opening it. */
export function scanDirectory(task: ScanTask, posix: Posix | null): Listing {
  const anchor = openAnchor(task.directory);
  try {
    const names = readDirectoryNames(anchor.path).sort();
    const first = names.slice(0, task.limit);
    return { ...statNames(anchor.path, first, task.bare ? null : posix, task.lenient), names };
  } finally {
    anchor.close();
  }
}

/** Stats of some names of a directory; what vanished or cannot be read is among the failures. */
export function lstatNames(task: LstatTask, posix: Posix | null): Listing {
  const anchor = openAnchor(task.directory);
  try {
    return statNames(anchor.path, task.names, posix, task.lenient);
  } finally {
    anchor.close();
  }
}

/**
 * @param posix null: extended attributes are left alone
 * @param lenient what cannot be read of them is no failure of the entry
 */
export function statNames(
  directory: string,
  names: readonly string[],
  posix: Posix | null,
  lenient = false,
): Listing {
  const unread = new Map<number, EntryFailure>();
  const table = new StatTable(names.length);
  const targets = new Map<number, string>();
  const xattrs = new Map<number, readonly Xattr[]>();
  const failures = new Map<number, EntryFailure>();
  for (const [index, name] of names.entries()) {
    const path = toFsPath(joinPath(directory, name));
    try {
      const stat = lstatSync(path, { bigint: true });
      table.set(index, stat);
      if ((stat.mode & TYPE_BITS) === SYMLINK) targets.set(index, readTarget(path));
      const found = posix && readXattrs(path, posix, lenient);
      if (found && 'code' in found) unread.set(index, found);
      else if (found && found.length > 0) xattrs.set(index, found);
    } catch (error) {
      failures.set(index, toFailure(error));
    }
  }
  return { names, stats: table.values, targets, xattrs, failures, unread };
}

function readXattrs(path: string | Buffer, posix: Posix, lenient: boolean): readonly Xattr[] | EntryFailure {
  try {
    failpoint('source.attributes');
    return posix.readXattrs(path);
  } catch (error) {
    // What is gone is a failure of the entry itself.
    if (!lenient || errnoOf(error) === 'ENOENT') throw error;
    return toFailure(error);
  }
}

/** A quick walk for totals: what cannot be read counts as nothing. */
export function countFiles(task: CountTask): CountResult {
  const total = { files: 0, bytes: 0 };
  const stack: string[] = [];
  for (const path of task.paths) {
    const parent = openAnchor(parentPath(path) || '.');
    try {
      countOne(joinPath(parent.path, baseName(path)), { path, stack, total });
    } finally {
      parent.close();
    }
  }
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    try {
      countIn(path, { stack, total });
    } catch (error) {
      toFailure(error);
    }
  }
  return total;
}

interface Count {
  /** Directories that are to be looked into. */
  readonly stack: string[];
  readonly total: { files: number; bytes: number };
}

function countIn(directory: string, count: Count): void {
  const anchor = openAnchor(directory);
  try {
    for (const name of readDirectoryNames(anchor.path))
      countOne(joinPath(anchor.path, name), { ...count, path: joinPath(directory, name) });
  } finally {
    anchor.close();
  }
}

function countOne(at: string, { path, stack, total }: Count & { path: string }): void {
  try {
    const stat = lstatSync(toFsPath(at));
    if (stat.isDirectory()) stack.push(path);
    if (!stat.isFile()) return;
    total.files += 1;
    total.bytes += stat.size;
  } catch (error) {
    toFailure(error);
  }
}

/** A symlink's text as a PEP 383 string. */
export function readTarget(path: string | Buffer): string {
  const text = readlinkSync(path, 'utf8');
  return text.includes(REPLACEMENT) ? nameFromBytes(readlinkSync(path, 'buffer')) : text;
}

/** A failure of one entry, by errno. Anything that is no system error is a bug and propagates. */
export function toFailure(error: unknown): EntryFailure {
  const code = errnoOf(error);
  if (code === undefined) throw error;
  return { code, message: withoutDescriptors((error as Error).message) };
}

/** Names in a directory; none where there is no such directory. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(toFsPath(directory), 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

export function lstatOrNull(path: string): BigIntStats | null {
  return storable(lstatSync(toFsPath(path), { bigint: true, throwIfNoEntry: false })) ?? null;
}
