/** Removing a directory with all that is below it, whatever bytes its names have and however deep it is. */
import * as fs from 'node:fs';
import { openAnchor } from './long-path.js';
import { mountIdOf } from './mounts.js';
import { joinPath, parentPath, readDirectoryNames, toFsPath, type FsPath } from './names.js';

/** What tells a file system from another, and two mounts of one from each other. */
interface Ground {
  readonly device: bigint;
  /** A bind mount has the device of what it shows. */
  readonly mount: string | null;
}

/**
 * Symlinks are removed and never followed. What is mounted at the path or below it stays, with EXDEV: each
 * directory is compared with the one above it, the path itself too.
 * @throws the errno of the first refusal; what was removed before it stays removed
 */
export function removeTree(path: string): void {
  const top = withPath(path, lstat);
  if (!top.isDirectory()) return withPath(path, (target) => fs.unlinkSync(target));
  const ground = groundOf(parentPath(path) || '.');
  refuseOther(path, top, ground);
  const open = [{ path, names: listed(path) }];
  while (open.length > 0) {
    const { path: directory, names } = open.at(-1)!;
    const name = names.pop();
    if (name === undefined) {
      withPath(directory, (target) => fs.rmdirSync(target));
      open.pop();
      continue;
    }
    const child = joinPath(directory, name);
    const stat = withPath(child, lstat);
    if (!stat.isDirectory()) {
      withPath(child, (target) => fs.unlinkSync(target));
      continue;
    }
    refuseOther(child, stat, ground);
    open.push({ path: child, names: listed(child) });
  }
}

function groundOf(directory: string): Ground {
  const anchor = openAnchor(directory);
  try {
    const { dev } = fs.statSync(toFsPath(joinPath(anchor.path, '.')), { bigint: true });
    return { device: dev, mount: mountIdOf(joinPath(anchor.path, '.')) };
  } finally {
    anchor.close();
  }
}

/** @throws EXDEV */
function refuseOther(directory: string, { dev }: fs.BigIntStats, ground: Ground): void {
  if (dev !== ground.device || mountIdOf(directory) !== ground.mount) throw mounted(directory);
}

function listed(directory: string): string[] {
  const anchor = openAnchor(directory);
  try {
    return readDirectoryNames(anchor.path);
  } finally {
    anchor.close();
  }
}

function withPath<T>(path: string, use: (path: FsPath) => T): T {
  const end = path.lastIndexOf('/');
  const anchor = openAnchor(path.slice(0, end) || '/');
  try {
    return use(toFsPath(joinPath(anchor.path, path.slice(end + 1))));
  } finally {
    anchor.close();
  }
}

function lstat(path: FsPath): fs.BigIntStats {
  return fs.lstatSync(path, { bigint: true });
}

function mounted(path: string): Error {
  return Object.assign(new Error(`EXDEV: ${path} is mounted, or another file system; it was left alone`), {
    code: 'EXDEV',
    path,
  });
}
