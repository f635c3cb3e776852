/** Hashes of other kinds than the archive's own, for manifests that other programs made. */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { withFile, type TaskContext } from './contents.js';
import { toFailure } from './scan.js';
import type { DigestResult, DigestTask, EntryFailure } from './tasks.js';

export function digestFiles(task: DigestTask, context: TaskContext): DigestResult {
  const width = createHash(task.algorithm).digest().length;
  const digests = new Uint8Array(task.files.length * width);
  const failures = new Map<number, EntryFailure>();
  for (const [index, path] of task.files.entries())
    try {
      digests.set(digestOf(path, task.algorithm, context), index * width);
    } catch (error) {
      failures.set(index, toFailure(error));
    }
  return { digests, failures };
}

function digestOf(path: string, algorithm: string, context: TaskContext): Buffer {
  const hash = createHash(algorithm);
  return withFile(path, (fd) => {
    for (;;) {
      const length = readSync(fd, context.block, 0, context.block.length, null);
      if (length === 0) return hash.digest();
      hash.update(context.block.subarray(0, length));
      context.onBlock(length);
    }
  });
}
