/**
 * Paths below a directory, reached through real directories only: never through a symlink. Where the directory is
 * held, each is opened from its descriptor; elsewhere each is looked at before it is used, which somebody who may
 * write there can be quicker than.
 */
import * as fs from 'node:fs';
import { isHeld, isWithin } from './held-directories.js';
import { openAnchor, type Anchor } from './long-path.js';
import { requireBelow } from './confined-path.js';
import { baseName, joinPath, parentPath, toFsPath, type FsPath } from './names.js';

/** Linux's number (fcntl.h); Node has no name for it. */
const O_PATH = 0o10000000;
const OPEN_SELF = O_PATH | fs.constants.O_NOFOLLOW;

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
    if (!isHeld(this.root)) this.check(path);
    else if (!isWithin(path, this.root)) throw this.notBelow(path);
    const anchor = openAnchor(path);
    this.current = { path, anchor };
    return anchor.path;
  }

  /**
   * The descriptor of a checked directory, or of whatever else is at the path, for as long as `use` lasts; null
   * where nothing is held. A symlink is opened itself.
   */
  withSelf<T>(path: string, use: (fd: number | null) => T): T {
    if (!isHeld(this.root)) return use(null);
    const at = path === this.root ? toFsPath(this.directory(path)) : this.locate(path);
    const fd = fs.openSync(at, OPEN_SELF);
    try {
      return use(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  private notBelow(path: string): Error {
    return new Error(`${path} is not below ${this.root}`);
  }

  close(): void {
    this.current?.anchor.close();
    this.current = null;
  }

  private check(directory: string): void {
    const unknown: string[] = [];
    for (let at = directory; !this.real.has(at); at = parentPath(at)) {
      if (at.length <= this.root.length) throw this.notBelow(directory);
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
