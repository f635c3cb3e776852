/** Where each path lands, and which targets are refused before anything is touched. */
import { lstatSync, statSync, type BigIntStats } from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import { absolutePath } from '../../fs/absolute-path.js';
import type { Position } from '../../events/types.js';
import { childPath } from '../../fs/confined-path.js';
import { parentPath, realPath, toFsPath, joinPath } from '../../fs/names.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { OpenArchive } from '../open-archive.js';
import { OwnPlaces, refuseOwnPlace } from '../own-places.js';
import { resolvePathAt } from '../queries/past-paths.js';

export interface Landings {
  /** The real path of DIR as far as it exists; what is missing of it is made. */
  readonly directory: string;
  readonly exists: boolean;
  /** The entry whose contents land in DIR itself, or those that land there under their own names. */
  readonly contentsOf: NamedEntry | null;
  readonly entries: readonly NamedEntry[];
  /** What nothing is restored into. */
  readonly own: OwnPlaces;
}

/**
 * `PATH` lands as DIR/name of PATH; a PATH that ends in a slash puts what it holds into DIR itself.
 * @throws HkfsError NOT_FOUND (saying when there was such a path), NOT_A_DIRECTORY, SOURCES_COLLIDE,
 *   BAD_TARGET, BAD_PATH
 */
export async function planLandings(
  archive: OpenArchive,
  paths: readonly string[],
  where: { to: string; at: Position },
): Promise<Landings> {
  const { contentsOf, entries } = await namedPaths(archive, paths, where.at);
  const { directory, exists } = targetDirectory(where.to);
  const landings = contentsOf ? [directory] : entries.map(({ entry }) => childPath(directory, entry.name));
  const own = new OwnPlaces(archive.layout.root);
  for (const landing of landings) refuseOwnPlace(own, landing);
  return { directory, exists, contentsOf, entries, own };
}

/**
 * What the paths name, by the same rule wherever they go.
 * @throws HkfsError NOT_FOUND, NOT_A_DIRECTORY, SOURCES_COLLIDE, BAD_PATH
 */
export async function namedPaths(
  archive: OpenArchive,
  paths: readonly string[],
  at: Position,
): Promise<Pick<Landings, 'contentsOf' | 'entries'>> {
  const named = [];
  for (const path of paths) named.push(await entryAt(archive, path, at));
  const contentsOf = paths.length === 1 && isContents(paths[0]!, named[0]!) ? named[0]! : null;
  if (contentsOf !== null) return { contentsOf, entries: [] };
  refuseCollisions(paths, named);
  return { contentsOf, entries: named };
}

async function entryAt(archive: OpenArchive, path: string, at: Position): Promise<NamedEntry> {
  const named = await resolvePathAt(archive, path, at);
  if (path.endsWith('/') && named.entry.directoryId === null)
    throw new HkfsError('NOT_A_DIRECTORY', `${JSON.stringify(path)} is a ${named.entry.kind}`, {
      hint: 'leave out the slash at its end',
    });
  return named;
}

function isContents(path: string, { entry }: NamedEntry): boolean {
  return path === '' || path.endsWith('/') || entry.name === '';
}

function refuseCollisions(paths: readonly string[], named: readonly NamedEntry[]): void {
  const taken = new Map<string, string>();
  for (const [index, path] of paths.entries()) {
    const { entry } = named[index]!;
    if (isContents(path, named[index]!))
      throw new HkfsError('SOURCES_COLLIDE', `${path || '/'} would put its contents among other paths`, {
        hint: 'leave out the slash at its end, or name it by itself',
      });
    const other = taken.get(entry.name);
    if (other !== undefined)
      throw new HkfsError('SOURCES_COLLIDE', `${other} and ${path} would both land as ${entry.name}`, {
        hint: 'name them in commands of their own, with different targets',
      });
    taken.set(entry.name, path);
  }
}

/** A symlink that names DIR itself is followed: it is the user's word, as for cp. */
function targetDirectory(to: string): { directory: string; exists: boolean } {
  if (to.includes('\0'))
    throw new HkfsError('BAD_PATH', `${JSON.stringify(to)} is no directory`, { hint: 'name one with --to' });
  const missing: string[] = [];
  for (let at = absolutePath(to); ; at = parentPath(at)) {
    const stat = statOrNull(at);
    if (stat === null && isSymlink(at))
      throw new HkfsError('NOT_A_DIRECTORY', `${at} is a symlink to nothing`, { hint: 'name a directory' });
    if (stat === null) {
      missing.push(at.slice(at.lastIndexOf('/') + 1));
      continue;
    }
    if (!stat.isDirectory())
      throw new HkfsError('NOT_A_DIRECTORY', `${at} is no directory`, {
        hint: 'name a directory, which is made where it is not there yet',
      });
    return { directory: missing.reverse().reduce(joinPath, realPath(at)), exists: missing.length === 0 };
  }
}

function statOrNull(path: string): BigIntStats | null {
  try {
    return statSync(toFsPath(path), { bigint: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    if (errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}

function isSymlink(path: string): boolean {
  try {
    return lstatSync(toFsPath(path)).isSymbolicLink();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
    return false;
  }
}
