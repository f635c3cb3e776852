/** What stands in a directory of the target, and making it fit to be written to. */
import { entryKindOf } from '../../fs/attributes.js';
import { errnoOf } from '../../errors.js';
import { chmodItself } from '../../fs/chmod-itself.js';
import { failpoint } from '../../fs/failpoints.js';
import { makeOneDirectory } from '../../fs/make-directory.js';
import { withDirectory } from '../../fs/long-path.js';
import { baseName, joinPath, parentPath, toFsPath } from '../../fs/names.js';
import { lstatOrNull } from '../../fs/scan.js';
import { StatTable } from '../../fs/stats.js';
import type { Listing } from '../../fs/tasks.js';
import type { Standing } from './judge.js';

/** For its owner only, until it gets its own mode. */
export const PRIVATE = 0o700;

export function standingOf(listing: Listing): Map<string, Standing> {
  const stats = new StatTable(listing.stats);
  const standing = new Map<string, Standing>();
  for (const [index, name] of listing.names.entries()) {
    const failure = listing.failures.get(index);
    if (failure?.code === 'ENOENT') continue;
    const stat = stats.get(index);
    if (stat.mode === 0n) throw Object.assign(new Error(failure?.message), { code: failure?.code });
    const target = listing.targets.get(index) ?? null;
    standing.set(name, {
      kind: entryKindOf(stat.mode),
      stat,
      target,
      xattrs: listing.xattrs.get(index) ?? [],
    });
  }
  return standing;
}

/** A directory of one's own that one may not write to, as it was restored before. */
export function makeUsable(path: string, { stat }: Standing): void {
  const self = process.geteuid?.();
  const mode = Number(stat.mode) & 0o7777;
  if (self === 0 || BigInt(self ?? 0) !== stat.uid || (mode & PRIVATE) === PRIVATE) return;
  withDirectory(parentPath(path), (parent) =>
    chmodItself(toFsPath(joinPath(parent, baseName(path))), mode | PRIVATE, (there) => there.isDirectory()),
  );
}

/** With the parents that are missing. */
export function makeDirectories(directory: string): void {
  const missing: string[] = [];
  for (let at = directory; !isThere(at); at = parentPath(at)) missing.push(at);
  for (const path of missing.reverse()) {
    failpoint('restore.mkdir');
    withDirectory(parentPath(path), (parent) =>
      makeOneDirectory(joinPath(parent, baseName(path)), 0o777, path),
    );
  }
}

function isThere(directory: string): boolean {
  try {
    return (
      withDirectory(parentPath(directory), (parent) => lstatOrNull(joinPath(parent, baseName(directory)))) !==
      null
    );
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
