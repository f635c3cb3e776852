/** The use case: what a backup would send, as one file to carry by hand. */
import { existsSync } from 'node:fs';
import { HkfsError, counted } from '../../errors.js';
import { commitHeadAt, requireRecord } from '../../events/commit-head.js';
import { encodeCheckpoint, verifyCheckpoint } from '../../events/checkpoint.js';
import type { Head } from '../../events/types.js';
import { BundleStore } from '../../store/remote/bundle-store.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { baseName, joinPath, parentPath, realPath, toFsPath } from '../../fs/names.js';
import { together } from '../../fs/together.js';
import type { BundleOptions, BundleSummary, KnownHead } from '../api.js';
import { archiveKey } from '../keys.js';
import { OwnPlaces, refuseOwnPlace } from '../own-places.js';
import type { OpenArchive } from '../open-archive.js';
import { collectObjects } from './collect.js';
import { damagedRow } from './damaged-row.js';
import { ensureRemote } from './format.js';
import { checkpointName } from './names.js';
import { RateLimiter } from './rate-limiter.js';
import { RemoteArchive } from './remote-archive.js';
import { sendBundleLog } from './send-log.js';
import { sendObjects } from './send-objects.js';
import { TransferMeter } from './transfer-meter.js';

/** @throws HkfsError BUNDLE_EXISTS, BAD_TARGET, HEAD_DIFFERS, INTERRUPTED and what the file system refuses */
export async function createBundle(
  archive: OpenArchive,
  options: BundleOptions,
  clock: () => number,
): Promise<BundleSummary> {
  const started = clock();
  const { log } = archive;
  const since = options.since === undefined ? await log.headAt(0) : await headOf(archive, options.since);
  refuseOwnFile(archive, options.file);
  const store = BundleStore.create(options.file);
  try {
    const remote = new RemoteArchive(store, archive.file.id);
    await ensureRemote(store);
    const span = { from: since.size, to: log.size };
    const { objects: list } = await collectObjects(log, archive.contents(), span);
    const totals = { files: list.length, bytes: list.bytes };
    const meter = new TransferMeter('bundling', totals, options.onProgress);
    const limiter = new RateLimiter(Infinity);
    const { signal, onMessage } = options;
    const how = { list, limiter, meter, signal, onMessage, compress: null };
    const sent = await sendObjects(archive, store, how).finally(() => meter.stop());
    if (since.size > 0) {
      const text = encodeCheckpoint(await commitHeadAt(log, since.size), archiveKey(archive));
      await store.create(checkpointName(remote.id, since.size), Buffer.from(text));
    }
    const { size, root, events, segments } = await sendBundleLog(archive, remote, since);
    await store.finish();
    const damaged = await together(sent.damaged.map(({ hash, reason }) => damagedRow(archive, hash, reason)));
    const { objects, bytes } = sent;
    const seconds = (clock() - started) / 1000;
    return { file: options.file, since, size, root, events, objects, bytes, segments, damaged, seconds };
  } finally {
    await store.close();
  }
}

/** A folder that is not there is told when the file is made. */
function refuseOwnFile({ layout }: OpenArchive, file: string): void {
  const folder = parentPath(absolutePath(file));
  if (!existsSync(toFsPath(folder))) return;
  refuseOwnPlace(new OwnPlaces(layout.root), joinPath(realPath(folder), baseName(file)));
}

/** @throws HkfsError HEAD_DIFFERS where the log never had it */
async function headOf(archive: OpenArchive, known: KnownHead): Promise<Head> {
  const { log } = archive;
  const given =
    'checkpoint' in known ? verifyCheckpoint(known.checkpoint, archiveKey(archive).verifier) : known;
  const size = 'position' in given ? given.position + 1 : given.size;
  if (size > log.size) throw differs(`the log has ${counted(log.size, 'event')}, and not ${size}`);
  const ours = await log.headAt(size);
  if ('root' in given && given.root !== ours.root)
    throw differs(`after ${counted(size, 'event')} this log had the root ${ours.root}, not ${given.root}`);
  if ('root' in given) await requireRecord(log, given, 'the head that was given');
  // A position within a commit: the bundle begins with the whole of it.
  if (size === 0) return ours;
  const commit = await log.commitAt(size - 1);
  return commit.first + commit.count === size ? ours : log.headAt(commit.first);
}

function differs(what: string): HkfsError {
  return new HkfsError('HEAD_DIFFERS', `that head is not of this history: ${what}`, {
    hint: 'give the head of the clone that is to take the bundle: `hkfs head` there',
  });
}
