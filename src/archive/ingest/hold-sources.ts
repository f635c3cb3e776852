/** Sources that others may write to, held open: no symlink that is put there meanwhile leads out of them. */
import { statSync, type BigIntStats } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { describeFsError } from '../../fs/errors.js';
import type { HeldRoot } from '../../fs/held-directories.js';
import { withDirectory } from '../../fs/long-path.js';
import { parentPath, toFsPath } from '../../fs/names.js';
import type { OpenArchive } from '../open-archive.js';
import { STDIN, type SourceRoot } from './sources.js';

/** A source directory and what each source is in. @returns ends it */
export function holdSources(archive: OpenArchive, roots: readonly SourceRoot[]): () => void {
  const { pool, posix } = archive;
  const held: (HeldRoot | null)[] = [];
  const release = (): void => {
    for (const root of held) pool.release(root);
  };
  try {
    const files = roots.filter(({ path }) => path !== STDIN);
    // What a source is in first: the source is opened from there.
    for (const directory of new Set(files.map(({ path }) => parentPath(path))))
      held.push(pool.hold(directory, { posix }));
    for (const root of files) if (root.isDirectory) held.push(holdDirectory(archive, root));
    return release;
  } catch (error) {
    release();
    throw describeFsError(error);
  }
}

function holdDirectory({ pool, posix }: OpenArchive, { path, stat }: SourceRoot): HeldRoot | null {
  return withDirectory(path, (base) => {
    const there = statSync(toFsPath(base), { bigint: true });
    if (!isSame(there, stat)) throw swapped(path);
    return pool.hold(path, { base, posix });
  });
}

function isSame(there: BigIntStats, { dev, ino }: SourceRoot['stat']): boolean {
  return there.isDirectory() && there.dev === dev && there.ino === ino;
}

function swapped(path: string): HkfsError {
  return new HkfsError('SOURCE_UNREADABLE', `${path} is another directory than a moment ago`, {
    hint: 'see who changes it, and run the command again; nothing was changed',
  });
}
