/**
 * What belongs to an archive, by whatever path it is reached: a directory is known by device and inode, and
 * by where it is in its file system, because a bind mount of a part of the archive has another path above it.
 * Whoever removes sources, or writes to a target, asks here first.
 */
import { lstatSync, type BigIntStats } from 'node:fs';
import { errnoOf, HkfsError } from '../errors.js';
import { after, readMounts, whereaboutsOf, type Mount, type Whereabouts } from '../fs/mounts.js';
import { joinPath, parentPath, readDirectoryNames, realPath, toFsPath } from '../fs/names.js';
import { layoutOf } from './layout.js';

interface InodeOnDevice {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** A directory that with all that is below it is the archive's. */
interface Top {
  /** Real. */
  readonly path: string;
  /** Null where the system does not tell. */
  readonly whereabouts: Whereabouts | null;
}

export class OwnPlaces {
  private readonly mounts = readMounts();
  private readonly tops: readonly Top[];
  private readonly directories = new Set<string>();
  private readonly rootKey: string;

  /** @param root of an archive that is there */
  constructor(root: string) {
    const layout = layoutOf(root);
    // `.hkfs` and the hash tree may be symlinks to elsewhere.
    const real = [root, layout.hkfs, layout.objects].flatMap(
      (path) => unlessHidden(() => realPath(path)) ?? [],
    );
    this.tops = [...new Set(real)].map((path) => ({ path, whereabouts: whereaboutsOf(path, this.mounts) }));
    this.rootKey = keyOf(lstatSync(toFsPath(realPath(root)), { bigint: true }));
    for (const path of [...real, ...real.slice(1).flatMap(below)]) this.add(path);
    for (const { point } of this.mounts.filter((mount) => this.shows(mount))) this.add(point);
  }

  /**
   * Of a directory that is met on a walk: the archive's root, a folder of `.hkfs`, or where a part of the
   * archive is mounted. What is below these is theirs.
   */
  has(directory: InodeOnDevice): boolean {
    return this.directories.has(keyOf(directory));
  }

  /** As {@link has}, in words; null for everybody else's. */
  describe(directory: InodeOnDevice): string | null {
    if (!this.has(directory)) return null;
    return keyOf(directory) === this.rootKey ? 'this is the archive itself' : 'this is a part of the archive';
  }

  /** Whether a real path, of which the end may still be missing, is the archive's root or anything below it. */
  hold(path: string): boolean {
    let there: string | null = null;
    for (let at = path; ; at = parentPath(at)) {
      const stat = statOrNull(at);
      if (stat !== null && this.has(stat)) return true;
      if (stat !== null) there ??= at;
      if (at === '/' || at === '') break;
    }
    const found = there;
    return found !== null && this.tops.some((top) => this.isAtOrBelow(found, top));
  }

  /** Whether a part of the archive is this directory of a real path, or anywhere below it. */
  areBelow(directory: string): boolean {
    return this.tops.some((top) =>
      this.isAtOrBelow(top.path, { path: directory, whereabouts: this.find(directory) }),
    );
  }

  private isAtOrBelow(path: string, top: Top): boolean {
    if (after(path, top.path) !== null) return true;
    const found = this.find(path);
    if (found === null || found.device !== top.whereabouts?.device) return false;
    const rest = after(found.path, top.whereabouts.path);
    // Network file systems show each mount as a top of its own: the inode has the last word.
    return rest !== null && isSame(statOrNull(joinPath(top.path, rest)), statOrNull(path));
  }

  private find(path: string): Whereabouts | null {
    return unlessHidden(() => whereaboutsOf(path, this.mounts));
  }

  private shows({ device, root }: Mount): boolean {
    return this.tops.some(
      ({ whereabouts }) => device === whereabouts?.device && after(root, whereabouts.path) !== null,
    );
  }

  private add(path: string): void {
    const stat = statOrNull(path);
    if (stat?.isDirectory()) this.directories.add(keyOf(stat));
  }
}

/**
 * @param target a real path, of which the end may still be missing
 * @throws HkfsError BAD_TARGET for what is inside of the archive or around it, by whatever path
 */
export function refuseOwnPlace(own: OwnPlaces, target: string): void {
  if (own.hold(target))
    throw new HkfsError('BAD_TARGET', `${target} is inside of the archive`, {
      hint: 'name a place outside of it; inside, its own log would not know the files',
    });
  if (own.areBelow(target))
    throw new HkfsError('BAD_TARGET', `${target} holds the archive`, {
      hint: 'name a directory beside the archive',
    });
}

/** Of `.hkfs` and of the hash tree: some 270 folders. */
function below(directory: string): string[] {
  return readDirectoryNames(directory).map((name) => joinPath(directory, name));
}

function keyOf({ dev, ino }: InodeOnDevice): string {
  return `${dev}:${ino}`;
}

function isSame(a: BigIntStats | null, b: BigIntStats | null): boolean {
  return a !== null && b !== null && a.dev === b.dev && a.ino === b.ino;
}

/** Null for what is not there, or is hidden from this user: then nothing of it is reached either. */
function statOrNull(path: string): BigIntStats | null {
  return unlessHidden(() => lstatSync(toFsPath(path), { bigint: true }));
}

function unlessHidden<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
