/** Removing a directory with all that is below it, whatever bytes its names have and however deep it is. */
import * as fs from 'node:fs';
import { openAnchor } from './long-path.js';
import { joinPath, readDirectoryNames, toFsPath, type FsPath } from './names.js';

/**
 * Symlinks are removed and never followed; what is mounted below stays, with EXDEV.
 * @throws the errno of the first refusal; what was removed before it stays removed
 */
export function removeTree(path: string): void {
  const top = withPath(path, lstat);
  if (!top.isDirectory()) return withPath(path, (target) => fs.unlinkSync(target));
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
    if (!stat.isDirectory()) withPath(child, (target) => fs.unlinkSync(target));
    else if (stat.dev !== top.dev) throw mounted(child);
    else open.push({ path: child, names: listed(child) });
  }
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
  return Object.assign(new Error(`EXDEV: ${path} is another filesystem; it was left alone`), {
    code: 'EXDEV',
    path,
  });
}
