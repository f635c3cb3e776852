/** The blobs below a directory, in the order of their names' bytes. */
import * as fs from 'node:fs';
import { errnoOf } from '../../errors.js';
import { joinPath, toFsPath } from '../../fs/names.js';
import { isBlobName } from './blob-names.js';
import type { BlobInfo } from './blob-store.js';

interface Wanted {
  readonly prefix: string;
  readonly after: string;
}

/** Neither symlinks nor what is named otherwise than a blob is looked at. */
export async function* listDirectory(root: string, wanted: Wanted): AsyncGenerator<BlobInfo> {
  yield* listBelow(root, '', wanted);
}

async function* listBelow(root: string, directory: string, wanted: Wanted): AsyncGenerator<BlobInfo> {
  for (const name of namesIn(root, directory)) {
    if (name.endsWith('/')) {
      if (mayHoldWanted(name, wanted)) yield* listBelow(root, name, wanted);
    } else if (name.startsWith(wanted.prefix) && name > wanted.after) {
      const stat = fs.lstatSync(toFsPath(joinPath(root, name)), { throwIfNoEntry: false });
      if (stat?.isFile() === true) yield { name, size: stat.size };
    }
  }
}

/** Directories end in `/`, so that they stand where their blobs stand. */
function namesIn(root: string, directory: string): string[] {
  const names: string[] = [];
  for (const entry of entriesOf(joinPath(root, directory), directory === '')) {
    const name = directory + entry.name;
    if (!isBlobName(name)) continue;
    if (entry.isDirectory()) names.push(`${name}/`);
    else if (entry.isFile()) names.push(name);
  }
  return names.sort();
}

function entriesOf(path: string, isRoot: boolean): fs.Dirent[] {
  try {
    return fs.readdirSync(toFsPath(path), { withFileTypes: true, encoding: 'utf8' });
  } catch (error) {
    // Emptied and removed by somebody else meanwhile; the root itself has to be there.
    if (errnoOf(error) === 'ENOENT' && !isRoot) return [];
    throw error;
  }
}

function mayHoldWanted(directory: string, { prefix, after }: Wanted): boolean {
  const isOnTheWay = prefix.startsWith(directory) || directory.startsWith(prefix);
  return isOnTheWay && (directory > after || after.startsWith(directory));
}
