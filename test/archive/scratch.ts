import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Archive } from 'hkfs';

export interface Scratch {
  /** An archive, held by this process until the end. */
  readonly archive: Archive;
  /** Its directory. */
  readonly root: string;
  /** An empty directory beside it. */
  readonly source: string;
}

/** Runs `use` with the path of a directory that is gone afterwards. */
export async function withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'hkfs-archive-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs `use` with a new archive and a source directory; `clock` is what the archive takes for the time. */
export async function withArchive<T>(
  use: (scratch: Scratch) => Promise<T>,
  clock: () => number = Date.now,
): Promise<T> {
  return withScratch(async (directory) => {
    const root = join(directory, 'archive');
    const source = mkdtempSync(join(directory, 'source-'));
    await Archive.init(root, { clock });
    const archive = await Archive.open(root, { mode: 'write', clock });
    try {
      return await use({ archive, root, source });
    } finally {
      await archive.close();
    }
  });
}

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}
