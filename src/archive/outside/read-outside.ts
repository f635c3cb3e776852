/** The outside world's files with their hashes; the archive is not held meanwhile. */
import { lstatSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { realPath, toFsPath } from '../../fs/names.js';
import { WorkerPool } from '../../fs/pool.js';
import type { OutsideOptions } from '../api.js';
import { readArchiveFile, type Layout } from '../layout.js';
import { KnownFiles } from './known-files.js';
import { addOperands, planList, planOperands } from './operands.js';
import type { OutsideFiles } from './outside-files.js';
import { OutsideWalk } from './outside-walk.js';

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
  const operands = planOperands(options.paths, layout.root);
  const known = new KnownFiles(layout, options.checksum ?? false);
  const pool = new WorkerPool();
  const stop = (): void => pool.cancel();
  options.signal?.addEventListener('abort', stop);
  try {
    const walk = new OutsideWalk(partsOf(layout, { pool, known, options }));
    addOperands(walk, [...operands, ...planList(list, layout.root, walk.files)]);
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

function partsOf(
  layout: Layout,
  given: { pool: WorkerPool; known: KnownFiles; options: OutsideOptions },
): ConstructorParameters<typeof OutsideWalk>[0] {
  const { pool, known, options } = given;
  const { dev: device, ino: inode } = lstatSync(toFsPath(realPath(layout.root)), { bigint: true });
  let read = 0;
  pool.onBytes = (bytes): void => void (read += bytes);
  const report = (files: OutsideFiles): void =>
    options.onProgress?.({
      phase: 'reading',
      files: files.count,
      // Bytes of a large file under way are known before the file is counted.
      bytes: Math.max(read, files.bytes),
      totalFiles: null,
      totalBytes: null,
    });
  return {
    pool,
    known,
    archiveRoot: { device, inode },
    onMessage: options.onMessage ?? ((): void => {}),
    onStep: report,
    signal: options.signal,
  };
}
