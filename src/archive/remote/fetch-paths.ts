/** The contents of some paths that are not here: a catalogue gets more, a clone what it could not have. */
import { existsSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { objectPath } from '../../fs/stage.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { FetchPathsOptions, FetchSummary } from '../api.js';
import { makeAbsentNames, rememberAbsent } from '../absent-names.js';
import type { OpenArchive } from '../open-archive.js';
import { resolveMoment } from '../queries/moments.js';
import { resolvePathAt } from '../queries/past-paths.js';
import { buildTree } from './build-tree.js';
import { fetchList, listAll, type Lost } from './fetch-all.js';
import { ObjectList } from './object-list.js';
import { openRemoteStore } from './open-remote.js';
import { readOrigin, writeOrigin, type Origin } from './origin.js';

/** @throws HkfsError NOT_FOUND for a path, USAGE where nobody says from where, what the remote says */
export async function fetchPaths(
  archive: OpenArchive,
  options: FetchPathsOptions,
  clock: () => number,
): Promise<FetchSummary> {
  const started = clock();
  const origin = readOrigin(archive.layout);
  const { position } = await resolveMoment(archive, options.at, clock());
  const starts: NamedEntry[] = [];
  for (const path of options.paths) starts.push(await resolvePathAt(archive, path, position));
  const isWhole = options.at === undefined && starts.some(({ path }) => path === '');
  const list = isWhole ? await listAll(archive) : await listBelow(archive, starts, position);
  const absent = list.filter(({ hash }) => !existsSync(pathOf(archive, hash)));
  const lost = absent.length > 0 ? await fetchFrom(archive, absent, { ...options, origin }) : NOTHING;
  await makeAbsentNames(archive, options.onMessage ?? (() => {}));
  if (isWhole && origin?.state === 'catalogue') await becomeWhole(archive, origin, { lost, options });
  const already = list.length - absent.length;
  return { ...lost, already, seconds: (clock() - started) / 1000 };
}

const NOTHING: Lost = { objects: 0, bytes: 0, damaged: [], missing: [] };

async function fetchFrom(
  archive: OpenArchive,
  list: ObjectList,
  { url, origin, env, signal, onProgress, onMessage }: FetchPathsOptions & { origin: Origin | null },
): Promise<Lost> {
  const from = url ?? origin?.url;
  if (from === undefined)
    throw new HkfsError('USAGE', 'this archive is no clone: it has no origin to fetch from', {
      hint: 'name a remote with --from URL',
    });
  const store = await openRemoteStore(from, { env, signal, onMessage });
  try {
    await rememberAbsent(
      archive,
      [...list].map(({ hash }) => hash),
    );
    return await fetchList(archive, store, { list, signal, onProgress });
  } finally {
    await store.close();
  }
}

/** A catalogue whose contents are all here (or nowhere) gets its tree. */
async function becomeWhole(
  archive: OpenArchive,
  origin: Origin,
  { lost, options }: { lost: Lost; options: FetchPathsOptions },
): Promise<void> {
  const { onMessage = () => {} } = options;
  const missing = [...lost.damaged, ...lost.missing].map(({ hash }) => hash);
  await buildTree(archive, { lost: new Set(missing), onMessage, onEntries: () => {} });
  await archive.sync();
  writeOrigin(archive.layout, { ...origin, state: 'complete' });
  await rememberAbsent(archive, missing);
}

async function listBelow(
  archive: OpenArchive,
  starts: readonly NamedEntry[],
  at: number,
): Promise<ObjectList> {
  const list = new ObjectList();
  const seen = new Set<string>();
  const namespace = archive.namespace(at);
  for (const start of starts) {
    const below = start.entry.directoryId === null ? [start] : namespace.walk(start);
    for await (const { entry } of below) {
      const { event } = entry;
      if (event.type !== 'file.ingested' || event.hash === null || seen.has(event.hash)) continue;
      seen.add(event.hash);
      list.add(Buffer.from(event.hash, 'hex'), event.size);
    }
  }
  return list;
}

function pathOf(archive: OpenArchive, hash: string): string {
  return objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
}
