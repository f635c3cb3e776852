/** What is to be taken in, checked before anything is changed: where it is and where it goes. */
import { accessSync, constants, lstatSync } from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { baseName, joinPath, normalizeTreePath, parentPath, realPath, toFsPath } from '../../fs/names.js';
import { StatTable, storable, type FileStat } from '../../fs/stats.js';
import { treeName } from '../../tar/recognise.js';
import type { Namespace } from '../../projections/namespace.js';
import type { OwnPlaces } from '../own-places.js';

const DIRECTORY = 0o040000n;
const REGULAR = 0o100000n;
const NO_STAT = new StatTable(1).get(0);

export interface SourceRoot {
  /** Absolute path of the real filesystem. */
  readonly path: string;
  readonly stat: FileStat;
  readonly isDirectory: boolean;
  /** A tar, which becomes a tree; `-` is one on the standard input. */
  readonly isTar: boolean;
  /** Path in the archive; '' is its root. */
  readonly target: string;
}

export interface SourceRequest {
  readonly sources: readonly string[];
  readonly to: string | undefined;
  readonly archiveRoot: string;
  /** What is the archive's own, wherever it is mounted. */
  readonly own: OwnPlaces;
  /** Which of the files are tars. */
  readonly isTar: (path: string) => Promise<boolean>;
}

/** The standard input. */
export const STDIN = '-';

/**
 * @throws HkfsError SOURCE_MISSING, SOURCE_UNREADABLE, SOURCE_IN_ARCHIVE, SOURCES_COLLIDE, BAD_PATH,
 *   BAD_TARGET, USAGE
 */
export async function planSources(request: SourceRequest, namespace: Namespace): Promise<SourceRoot[]> {
  if (request.sources.length === 0) throw new HkfsError('USAGE', 'no source was named');
  const to = request.to === undefined ? undefined : normalizeTreePath(request.to);
  const names = new Map(request.sources.map(followed));
  const paths = [...names.keys()];
  const intoDirectory = await isInto(request, { to, paths }, namespace);
  const roots: SourceRoot[] = [];
  for (const [path, name] of names) {
    const stat = path === STDIN ? NO_STAT : statSource(path);
    const isDirectory = isKind(stat, DIRECTORY);
    if (path !== STDIN) {
      refuseInside(path, request);
      refuseUnreadable(path, isDirectory);
    }
    const isTar = path === STDIN || (isKind(stat, REGULAR) && (await request.isTar(path)));
    const isTree = isDirectory || isTar;
    const own = isTar ? treeName(name) : name;
    const target = to === undefined ? own : intoDirectory || !isTree ? targetOf(to, own, intoDirectory) : to;
    if (target === '' && !isTree)
      throw new HkfsError('BAD_TARGET', 'a file cannot be the root of an archive');
    if (path === STDIN && to === undefined) throw noName();
    roots.push({ path, stat, isDirectory, isTar, target: normalizeTreePath(target) });
  }
  refuseCollisions(roots);
  return roots;
}

/** A source's path and the name it goes by: `LINK/` is the directory that LINK points to, named LINK. */
function followed(source: string): [path: string, name: string] {
  if (source === STDIN) return [STDIN, STDIN];
  const path = absolutePath(source);
  const isLink = source.endsWith('/') && (statSource(path).mode & 0o170000n) === 0o120000n;
  if (isLink) statSource(`${path}/.`);
  return [isLink ? realPath(path) : path, baseName(path)];
}

function isKind(stat: FileStat, kind: bigint): boolean {
  return (stat.mode & 0o170000n) === kind;
}

function noName(): HkfsError {
  return new HkfsError('USAGE', 'a tar on the standard input has no name for its tree', {
    hint: 'give one with --to',
  });
}

function targetOf(to: string, name: string, into: boolean): string {
  return into ? joinPath(to, name) : to;
}

/** Like cp: several sources, or a file and a target that is a directory, go into the target. */
async function isInto(
  request: SourceRequest,
  plan: { to: string | undefined; paths: string[] },
  namespace: Namespace,
): Promise<boolean> {
  if (plan.to === undefined) return false;
  if (plan.paths.length > 1) return true;
  const [path] = plan.paths;
  if (path === STDIN) return false;
  const stat = statSource(path!);
  if (isKind(stat, DIRECTORY) || (isKind(stat, REGULAR) && (await request.isTar(path!)))) return false;
  return request.to!.endsWith('/') || (await namespace.resolve(plan.to))?.kind === 'directory';
}

export function statSource(path: string): FileStat {
  try {
    return storable(lstatSync(toFsPath(path), { bigint: true }));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR')
      throw new HkfsError('SOURCE_MISSING', `no such file or directory: ${path}`, {
        hint: 'check the path; nothing was changed',
      });
    if (errno === 'EACCES') throw unreadable(path, error);
    throw error;
  }
}

export function refuseUnreadable(path: string, isDirectory: boolean): void {
  if (lstatSync(toFsPath(path)).isSymbolicLink()) return;
  try {
    accessSync(toFsPath(path), isDirectory ? constants.R_OK | constants.X_OK : constants.R_OK);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') throw unreadable(path, error);
    throw error;
  }
}

function unreadable(path: string, cause: unknown): HkfsError {
  return new HkfsError('SOURCE_UNREADABLE', `no permission to read ${path}`, {
    hint: 'run as a user who may read it; nothing was changed',
    cause,
  });
}

/** @throws HkfsError SOURCE_IN_ARCHIVE */
export function refuseInside(
  path: string,
  { own, archiveRoot }: Pick<SourceRequest, 'own' | 'archiveRoot'>,
): void {
  const real = path === '/' ? '/' : joinPath(realPath(parentPath(path)), baseName(path));
  if (!own.hold(real)) return;
  throw new HkfsError('SOURCE_IN_ARCHIVE', `${path} is inside the archive ${archiveRoot}`, {
    hint: 'name a source outside of the archive',
  });
}

function refuseCollisions(roots: readonly SourceRoot[]): void {
  const seen = new Map<string, string>();
  for (const { path, target } of roots) {
    const other = seen.get(target);
    if (other !== undefined)
      throw new HkfsError('SOURCES_COLLIDE', `${other} and ${path} would both become /${target}`, {
        hint: 'ingest them one by one, each with its own --to',
      });
    seen.set(target, path);
  }
}
