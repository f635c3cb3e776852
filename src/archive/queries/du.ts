/** Bytes of a directory: apparent, unique to it, and shared with the rest of the archive. */
import type { FileIngested, Hash, Position } from '../../events/types.js';
import { isAtOrBelow } from '../../fs/names.js';
import { ROOT, type NamedEntry, type Namespace } from '../../projections/namespace.js';
import type { DuRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePathAt } from './past-paths.js';

/** Contents that are looked up one by one; for more, one walk through the whole tree is faster. */
const LOOKUPS = 2000;

/** Rows of the directories down to `depth` below the path, innermost first, the path itself last. */
export async function* du(
  archive: OpenArchive,
  path: string,
  options: { at: Position; depth: number },
): AsyncGenerator<DuRow> {
  const namespace = archive.namespace(options.at);
  const start = await resolvePathAt(archive, path, options.at);
  if (options.depth === 0 || start.entry.directoryId === null)
    yield await measure(archive, start, { namespace, at: options.at });
  else {
    const { duTree } = await import('./du-tree.js');
    yield* duTree(archive, start.entry.directoryId, options);
  }
}

interface Scope {
  readonly namespace: Namespace;
  readonly at: Position;
}

async function measure(archive: OpenArchive, start: NamedEntry, scope: Scope): Promise<DuRow> {
  let files = 0;
  let bytes = 0;
  const contents = new Map<Hash, number>();
  for await (const { entry } of filesBelow(start, scope.namespace)) {
    files += 1;
    bytes += entry.event.size;
    if (entry.event.hash !== null) contents.set(entry.event.hash, entry.event.size);
  }
  const shared = await sharedContents(archive, { start, contents }, scope);
  const sharedBytes = sum(shared, contents);
  const uniqueBytes = sum(contents.keys(), contents) - sharedBytes;
  return { path: start.path, bytes, uniqueBytes, sharedBytes, files };
}

/** Of the contents below a path those that are named elsewhere as well. */
async function sharedContents(
  archive: OpenArchive,
  below: { start: NamedEntry; contents: ReadonlyMap<Hash, number> },
  scope: Scope,
): Promise<Set<Hash>> {
  const { start, contents } = below;
  const shared = new Set<Hash>();
  if (start.path === '') return shared;
  const isInside = (path: string): boolean => isAtOrBelow(path, start.path);
  if (contents.size <= LOOKUPS) {
    for (const hash of contents.keys())
      for await (const path of archive.contents(scope.at).livePaths(hash, scope.namespace))
        if (!isInside(path)) {
          shared.add(hash);
          break;
        }
    return shared;
  }
  for await (const { path, entry } of filesBelow({ path: '', entry: ROOT }, scope.namespace)) {
    const { hash } = entry.event;
    if (hash !== null && contents.has(hash) && !isInside(path)) shared.add(hash);
  }
  return shared;
}

type NamedFile = NamedEntry & { entry: { event: FileIngested } };

async function* filesBelow(start: NamedEntry, namespace: Namespace): AsyncGenerator<NamedFile> {
  if (isFile(start)) yield start;
  if (start.entry.directoryId === null) return;
  for await (const named of namespace.walk(start)) if (isFile(named)) yield named;
}

function isFile(named: NamedEntry): named is NamedFile {
  return named.entry.event.type === 'file.ingested';
}

function sum(hashes: Iterable<Hash>, sizes: ReadonlyMap<Hash, number>): number {
  let total = 0;
  for (const hash of hashes) total += sizes.get(hash) ?? 0;
  return total;
}
