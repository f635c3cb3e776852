/** The outside world's files with their hashes; the archive is not held meanwhile. */
import { HkfsError } from '../../errors.js';
import { WorkerPool } from '../../fs/pool.js';
import type { OutsideOptions } from '../api.js';
import { readArchiveFile, type Layout } from '../layout.js';
import { OwnPlaces } from '../own-places.js';
import { KnownFiles } from './known-files.js';
import { addOperands, planList, planOperands } from './operands.js';
import type { OutsideFiles } from './outside-files.js';
import { OutsideWalk, type WalkParts } from './outside-walk.js';

/**
 * @param list paths out of a list: one that cannot be read is told among the failures
 * @throws HkfsError for bad input before anything is read, and INTERRUPTED
 */
export async function readOutside(
  layout: Layout,
  options: OutsideOptions,
  list: readonly string[] = [],
): Promise<OutsideFiles> {
  readArchiveFile(layout.root);
  const own = new OwnPlaces(layout.root);
  const asked = { archiveRoot: layout.root, own };
  const operands = planOperands(options.paths, asked);
  const known = new KnownFiles(layout, options.checksum ?? false);
  const pool = new WorkerPool();
  const stop = (): void => pool.cancel();
  options.signal?.addEventListener('abort', stop);
  try {
    const walk = new OutsideWalk({ ...surroundings(options), own, pool, known });
    reportProgress(walk, pool, options.onProgress);
    addOperands(walk, [...operands, ...planList(list, asked, walk.files)]);
    const files = await walk.run();
    refuseInterrupted(options.signal);
    return files;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await pool.close();
    known.save();
  }
}

/** What was read is remembered, so that the same command goes on from here. */
export function refuseInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new HkfsError('INTERRUPTED', 'stopped before everything was read', {
      hint: 'the same command again does not read again what was read',
    });
}

function surroundings({
  onMessage = (): void => {},
  signal,
}: OutsideOptions): Pick<WalkParts, 'onMessage' | 'signal'> {
  return { onMessage, signal };
}

function reportProgress(walk: OutsideWalk, pool: WorkerPool, onProgress: OutsideOptions['onProgress']): void {
  if (!onProgress) return;
  let read = 0;
  const report = (): void => {
    const { count: files, bytes } = walk.files;
    // Bytes of a large file under way are known before the file is counted.
    const reached = Math.max(read, bytes);
    onProgress({ phase: 'reading', files, bytes: reached, totalFiles: null, totalBytes: null });
  };
  walk.onStep = report;
  pool.onBytes = (bytes): void => {
    read += bytes;
    report();
  };
}
