/** Bytes of a directory: apparent, unique to it, and shared with the rest of the archive. */
import type { Hash, Position } from '../../events/types.js';
import { livePath } from '../../projections/contents.js';
import type { NamedEntry, Namespace } from '../../projections/namespace.js';
import type { DuRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePath } from './targets.js';

/** Contents with many names whose verdict is kept, so that each is looked up once. */
const MAX_REMEMBERED = 100_000;

/** Rows of the directories down to `depth` below the path, innermost first, the path itself last. */
export async function* du(
  archive: OpenArchive,
  path: string,
  options: { at: Position; depth: number },
): AsyncGenerator<DuRow> {
  const namespace = archive.namespace(options.at);
  const start = await resolvePath(path, archive.layout.root, namespace);
  yield* measureBelow(archive, start, { namespace, ...options });
}

interface Scope {
  readonly namespace: Namespace;
  readonly at: Position;
  readonly depth: number;
}

async function* measureBelow(archive: OpenArchive, start: NamedEntry, scope: Scope): AsyncGenerator<DuRow> {
  if (scope.depth > 0 && start.entry.directoryId !== null)
    for await (const entries of scope.namespace.list(start.entry.directoryId))
      for (const entry of entries) {
        if (entry.directoryId === null) continue;
        const path = start.path === '' ? entry.name : `${start.path}/${entry.name}`;
        yield* measureBelow(archive, { path, entry }, { ...scope, depth: scope.depth - 1 });
      }
  yield await measure(archive, start, scope);
}

async function measure(archive: OpenArchive, start: NamedEntry, scope: Scope): Promise<DuRow> {
  const total = { path: start.path, bytes: 0, uniqueBytes: 0, sharedBytes: 0, files: 0 };
  const sharing = new Sharing(archive, start.path, scope);
  const add = async ({ path, entry }: NamedEntry): Promise<void> => {
    if (entry.event.type !== 'file.ingested') return;
    const { hash, size } = entry.event;
    total.files += 1;
    total.bytes += size;
    if (hash === null) return;
    const verdict = await sharing.of(hash, path);
    if (verdict === 'shared') total.sharedBytes += size;
    if (verdict === 'unique') total.uniqueBytes += size;
  };
  await add(start);
  if (start.entry.directoryId !== null)
    for await (const named of scope.namespace.walk(start)) await add(named);
  return total;
}

/** Whether a content is named outside of a path; each content counts once. */
class Sharing {
  private readonly archive: OpenArchive;
  private readonly start: string;
  private readonly scope: Scope;
  private readonly counted = new Set<Hash>();

  constructor(archive: OpenArchive, start: string, scope: Scope) {
    this.archive = archive;
    this.start = start;
    this.scope = scope;
  }

  async of(hash: Hash, path: string): Promise<'unique' | 'shared' | 'counted'> {
    if (this.counted.has(hash)) return 'counted';
    let names = 0;
    let outside = false;
    let first: string | null = null;
    for await (const place of this.archive.contents(this.scope.at).postings(hash)) {
      const live = await livePath(place, hash, this.scope.namespace);
      if (live === null) continue;
      names += 1;
      if (this.isInside(live)) first ??= live;
      else outside = true;
    }
    if (names > 1 && this.counted.size < MAX_REMEMBERED) this.counted.add(hash);
    else if (first !== path) return 'counted';
    return outside ? 'shared' : 'unique';
  }

  private isInside(path: string): boolean {
    return this.start === '' || path === this.start || path.startsWith(`${this.start}/`);
  }
}
