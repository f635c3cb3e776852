/**
 * Directories that are asked for one after the other, most of them near the one before: each is reached from
 * the nearest directory on its way that is still open, so that ten thousand levels take time in proportion
 * to their length, and not to its square.
 */
import { closeSync } from 'node:fs';
import { isHeld } from './held-directories.js';
import { openBelow, openAnchor, type Anchor } from './long-path.js';
import { joinPath, nameToBytes } from './names.js';

/** A directory is kept open every so many bytes of a path. */
const STRETCH = 128;
/** So many at once: beyond them every second one is closed. */
const MAX_OPEN = 48;
/** Shorter paths are walked by the kernel at no cost worth speaking of. */
const SHORT = 1024;

interface Open {
  readonly path: string;
  readonly fd: number;
}

export class Anchors {
  /** Each is below the one before. */
  private readonly open: Open[] = [];

  /** The directory's short path, good until the next call. Errors of open pass through. */
  at(directory: string): Anchor {
    if (process.platform !== 'linux' || directory.length <= SHORT) return openAnchor(directory);
    // It has descriptors of its own, through which no symlink is followed.
    if (isHeld(directory)) return openAnchor(directory);
    while (this.open.length > 0 && !isBelow(directory, this.open.at(-1)!.path))
      closeSync(this.open.pop()!.fd);
    this.extend(directory);
    const { path, fd } = this.open.at(-1)!;
    const rest = directory.slice(path.length + 1);
    const base = `/proc/self/fd/${fd}`;
    return { path: rest === '' ? `${base}/.` : joinPath(base, rest), close: () => undefined };
  }

  /** What is open may not be what its path names any more. */
  close(): void {
    for (const { fd } of this.open.splice(0)) closeSync(fd);
  }

  /** Until what is left of the path is short. */
  private extend(path: string): void {
    for (let from = this.length; path.length - from > STRETCH; from = this.length) {
      const within = path.lastIndexOf('/', from + STRETCH);
      const next = within > from ? within : path.indexOf('/', from + 1);
      const end = next < 0 ? path.length : next;
      const fd = openBelow(this.open.at(-1)?.fd ?? -1, nameToBytes(path.slice(from, end)));
      this.open.push({ path: path.slice(0, end), fd });
      if (this.open.length > MAX_OPEN) this.thin();
    }
  }

  private get length(): number {
    const last = this.open.at(-1);
    return last === undefined ? 0 : last.path.length + 1;
  }

  private thin(): void {
    for (let at = this.open.length - 2; at >= 0; at -= 2) closeSync(this.open.splice(at, 1)[0]!.fd);
  }
}

/** Compared as a whole: `startsWith` goes byte by byte. */
function isBelow(path: string, directory: string): boolean {
  const { length } = directory;
  if (path.length === length) return path === directory;
  return path[length] === '/' && path.slice(0, length) === directory;
}
