/** After the renames: small files, views, contents, names. Each part may be done again. */
import { existsSync } from 'node:fs';
import type { Position } from '../../events/types.js';
import { parseVerifierKey } from '../../events/signed-note.js';
import { writeFileDurably } from '../../fs/durable.js';
import { failpoint } from '../../fs/failpoints.js';
import { objectPath } from '../../fs/stage.js';
import type { RecoverOptions, RecoverSummary } from '../api.js';
import { makeFolders } from '../init.js';
import type { Layout } from '../layout.js';
import { OpenArchive } from '../open-archive.js';
import { buildTree } from '../remote/build-tree.js';
import { fetchList, listAll, lostRows, type Lost } from '../remote/fetch-all.js';
import type { ObjectList } from '../remote/object-list.js';
import { readOrigin, writeOrigin } from '../remote/origin.js';
import { writeVerifierKey } from '../remote/public-key.js';
import { catchUpTree } from '../tree-catch-up.js';
import type { LogState, State } from './planned.js';
import { openSource } from './source.js';
import { writeReady } from './swap.js';

export type Found = Pick<RecoverSummary, 'objects' | 'bytes' | 'damaged' | 'missing'> &
  Partial<Pick<RecoverSummary, 'size' | 'root'>>;

const NOTHING: Lost = { objects: 0, bytes: 0, damaged: [], missing: [] };

export async function finishRecovery(
  layout: Layout,
  state: State,
  options: RecoverOptions,
  clock: () => number,
): Promise<Found> {
  if (state.way === 'tree') {
    const { finishFromTree } = await import('./from-tree.js');
    return finishFromTree(layout, options, clock);
  }
  makeFolders(layout);
  writeSmallFiles(layout, state);
  failpoint('recover.files');
  if (!state.replays) return NOTHING;
  const { onProgress } = options;
  const archive = await OpenArchive.open(layout.root, { file: state.file, onProgress });
  try {
    return await bringAll(archive, state, { options, clock });
  } finally {
    await archive.close();
  }
}

function writeSmallFiles(
  layout: Layout,
  { file, writesArchiveFile, publicKey, origin, summary }: LogState,
): void {
  if (publicKey !== null) writeVerifierKey(layout, parseVerifierKey(publicKey));
  const { size, root } = summary;
  if (origin !== null)
    writeOrigin(layout, { ...origin, archive: file.id, head: { size, root }, state: 'complete' });
  if (!writesArchiveFile) return;
  writeFileDurably(layout.archiveFile, Buffer.from(`${JSON.stringify(file, null, 2)}\n`), 0o644);
}

async function bringAll(
  archive: OpenArchive,
  state: LogState,
  { options, clock }: { options: RecoverOptions; clock: () => number },
): Promise<Lost> {
  failpoint('recover.views');
  followOrigin(archive, state);
  if (readOrigin(archive.layout)?.state === 'catalogue') {
    await archive.views.setTreePosition(archive.log.size);
    return NOTHING;
  }
  const lost = await bringContents(archive, state, options);
  failpoint('recover.objects');
  await bringNames(archive, state, { lost, options, clock });
  await archive.sync();
  return lost;
}

/** A clone whose log is its origin's is still one; what was here besides is its own. */
function followOrigin({ layout, log }: OpenArchive, { had, from }: LogState): void {
  const known = readOrigin(layout);
  const head = log.head();
  if (known !== null && (known.url === from || had <= known.head.size || head.size < known.head.size))
    writeOrigin(layout, { ...known, head });
}

async function bringContents(archive: OpenArchive, state: LogState, options: RecoverOptions): Promise<Lost> {
  const { objects } = archive.layout;
  const known = await listAll(archive);
  const list = known.filter(({ hash }) => !existsSync(objectPath(objects, Buffer.from(hash, 'hex'))));
  if (list.length === 0) return NOTHING;
  if (state.from === null) return missingHere(archive, list);
  const key = state.key === null ? null : parseVerifierKey(state.key);
  const { env = process.env, signal, onProgress } = options;
  // A recovery that goes on after a kill finds fewer contents missing, and no fewer names.
  writeReady(archive.layout, { moves: [], state: { ...state, buildsTree: true } });
  const source = await openSource(state.from, { id: state.file.id, key, env });
  try {
    return await fetchList(archive, source.store, { list, signal, onProgress });
  } finally {
    await source.close();
  }
}

function missingHere(archive: OpenArchive, list: ObjectList): Promise<Lost> {
  const missing = [...list].map(({ hash }) => hash);
  return lostRows(archive, { url: archive.layout.objects }, { objects: 0, bytes: 0, damaged: [], missing });
}

/**
 * The tree of an archive is never behind the log that it had, but for its last operation; where a part of the log was
 * lost and came again, it is ahead of what is known here. So nothing is applied to it: only names whose contents were
 * gone are made. A clone follows what its origin has done since.
 */
async function bringNames(
  archive: OpenArchive,
  { had, buildsTree }: LogState,
  { lost, options, clock }: { lost: Lost; options: RecoverOptions; clock: () => number },
): Promise<void> {
  const { onMessage = () => {} } = options;
  const { size } = archive.log;
  const unavailable = new Set([...lost.damaged, ...lost.missing].map(({ hash }) => hash));
  if (had === 0 || buildsTree === true || lost.objects > 0)
    return buildTree(archive, { lost: unavailable, onMessage, onEntries: () => {} });
  const guessed = await archive.treePosition();
  const isFollower = readOrigin(archive.layout) !== null;
  if (had > size || (had < size && !isFollower)) return archive.views.setTreePosition(size);
  const from: Position = Math.min(guessed, had);
  if (from < size) await catchUpTree(archive, from, { clock, onMessage });
}
