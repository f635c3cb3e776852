import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { toFsPath } from '../../fs/names.js';
import type { FileBody as BlobFile, TransferOptions } from './blob-store.js';
import { openBody } from './file-body.js';
import type { FileBody } from './s3-client.js';

const STEP_BYTES = 4 << 20;

/** A large file for one request: hashed first, for the signature, and then read again. */
export async function streamedBody(body: BlobFile, { signal }: TransferOptions): Promise<FileBody> {
  const open = await openBody(body);
  try {
    const hasher = createHash('sha256');
    for (let at = 0; at < body.size; at += STEP_BYTES) {
      signal?.throwIfAborted();
      hasher.update(await open.next(Math.min(STEP_BYTES, body.size - at)));
    }
    open.check();
    return {
      hash: hasher.digest('hex'),
      size: body.size,
      open: () => fs.createReadStream(toFsPath(body.file), { end: body.size - 1, highWaterMark: 1 << 20 }),
    };
  } finally {
    open.close();
  }
}
