/** Paths below a directory, reached through real directories only: never through a symlink. */
import * as fs from 'node:fs';
import { openAnchor, type Anchor } from './long-path.js';
import { requireBelow } from './confined-path.js';
import { baseName, joinPath, parentPath, toFsPath, type FsPath } from './names.js';

export class Below {
  private readonly root: string;
  private current: { readonly path: string; readonly anchor: Anchor } | null = null;
  /** Directories found to be real ones. */
  private readonly real = new Set<string>();

  constructor(root: string) {
    this.root = root;
    this.real.add(root);
  }

  /**
   * A path for the file system, its directory checked and, where its path is long, anchored: good until
   * the next call. @throws ENOTDIR when a directory on the way down is a symlink or something else
   */
  locate(path: string): FsPath {
    requireBelow(this.root, path);
    return toFsPath(joinPath(this.directory(parentPath(path)), baseName(path)));
  }

  /** The short path of a checked directory. */
  directory(path: string): string {
    if (this.current?.path === path) return this.current.anchor.path;
    requireBelow(this.root, path);
    this.close();
    this.check(path);
    const anchor = openAnchor(path);
    this.current = { path, anchor };
    return anchor.path;
  }

  close(): void {
    this.current?.anchor.close();
    this.current = null;
  }

  private check(directory: string): void {
    const unknown: string[] = [];
    for (let at = directory; !this.real.has(at); at = parentPath(at)) {
      if (at.length <= this.root.length) throw new Error(`${directory} is not below ${this.root}`);
      unknown.push(at);
    }
    for (const at of unknown.reverse()) {
      const anchor = openAnchor(parentPath(at));
      try {
        const stat = fs.lstatSync(toFsPath(joinPath(anchor.path, baseName(at))));
        if (!stat.isDirectory()) throw notADirectory(at);
      } finally {
        anchor.close();
      }
      this.real.add(at);
    }
  }
}

function notADirectory(path: string): Error {
  return Object.assign(new Error(`ENOTDIR: ${path} is no directory; a symlink is not followed`), {
    code: 'ENOTDIR',
    path,
  });
}
