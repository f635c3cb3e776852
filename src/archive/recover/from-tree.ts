/**
 * A new history, where no place has the old one: the hash tree and the tree as they stand. The old log, keys and
 * `archive.json` are kept aside.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { originOf } from '../../events/checkpoint.js';
import { EventLog } from '../../events/log.js';
import { formatSignerKey, formatVerifierKey, SEED_BYTES, signerKey } from '../../events/signed-note.js';
import type { Head } from '../../events/types.js';
import { writeFileDurably } from '../../fs/durable.js';
import { toFsPath } from '../../fs/names.js';
import type { RecoverOptions } from '../api.js';
import { makeFolders } from '../init.js';
import { FORMAT_VERSION, type Layout } from '../layout.js';
import { OpenArchive } from '../open-archive.js';
import { sync } from '../sync/sync.js';
import { adoptObjects } from './adopt-objects.js';
import type { Found } from './finish.js';
import { recoverFolder, remove } from './folder.js';
import type { Planned } from './planned.js';
import { existing, type Move } from './swap.js';

/** Makes what takes the place of the old, beside it. */
export async function planFromTree(layout: Layout, clock: () => number): Promise<Planned> {
  const time = new Date(clock()).toISOString().replace(/[:.]/g, '-');
  const id = randomUUID();
  const head = await makeNew(layout, id, clock());
  const aside = (name: string): Move => [name, `${name}.damaged-${time}`];
  const moves: Move[] = [
    aside('archive.json'),
    ...['log', 'views', 'keys', 'origin.json'].map(aside),
    ['recover/log', 'log'],
    ['recover/keys', 'keys'],
    // Last: before this there is no archive, and only `recover` goes on.
    ['recover/archive.json', 'archive.json'],
  ];
  const kept = existing(layout, moves.slice(0, 5)).map(([, to]) => to);
  const lines = [
    `begin a new history, of a new archive ${id}, with a new key`,
    'take in every object of the hash tree that has the bytes that its name says',
    'take in the tree as it stands, with names, times, owners and modes as they are on the disk',
    'lose what only the old log knew: earlier names and moments, the modes of files (those of the tree are 0444), attributes of directories, fifos, sockets and devices, operations, remotes, tags',
    `keep the old log, views, keys, archive.json and origin.json in .hkfs, as …damaged-${time}`,
  ];
  const summary = {
    ...{ id, way: 'tree' as const, from: null, ...head, here: 0, fetched: 0, damagedFiles: [], lost: null },
    ...{ unrecovered: ['the old history'], kept, plan: lines },
  };
  return { state: { way: 'tree', summary }, moves, lines, head };
}

async function makeNew(layout: Layout, id: string, timeMs: number): Promise<Head> {
  const folder = recoverFolder(layout);
  remove(folder.log, folder.keys, folder.archiveFile);
  const file = { format: FORMAT_VERSION, id, hash: 'blake3-256', created: new Date(timeMs).toISOString() };
  writeFileDurably(folder.archiveFile, Buffer.from(`${JSON.stringify(file, null, 2)}\n`), 0o644);
  const key = signerKey(originOf(id), randomBytes(SEED_BYTES));
  mkdirSync(toFsPath(folder.keys), { mode: 0o700 });
  writeFileDurably(`${folder.keys}/archive`, Buffer.from(`${formatSignerKey(key)}\n`), 0o600);
  writeFileDurably(`${folder.keys}/archive.pub`, Buffer.from(`${formatVerifierKey(key.verifier)}\n`), 0o644);
  const log = await EventLog.open(folder.log, { createIfMissing: true });
  try {
    await log.append([{ type: 'archive.created', archiveId: id, hashAlgorithm: 'blake3-256' }], {
      timeMs,
      operation: 0,
    });
    return log.head();
  } finally {
    await log.close();
  }
}

/** Both parts tell only what the log does not have yet, so that they may be done again. */
export async function finishFromTree(
  layout: Layout,
  options: RecoverOptions,
  clock: () => number,
): Promise<Found> {
  const { onProgress, onMessage = () => {}, signal } = options;
  makeFolders(layout);
  const archive = await OpenArchive.open(layout.root, { onProgress });
  try {
    await archive.views.setTreePosition(archive.log.size);
    const adopted = await adoptObjects(archive, { clock, onMessage, onProgress, signal });
    await sync(archive, { yes: true, onProgress, onMessage, ...(signal ? { signal } : {}) }, clock);
    return { ...adopted, missing: [], ...archive.log.head() };
  } finally {
    await archive.close();
  }
}
