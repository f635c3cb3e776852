/** The public key of a clone, beside which no private one is. */
import { mkdirSync } from 'node:fs';
import { formatVerifierKey, type VerifierKey } from '../../events/signed-note.js';
import { fsyncDirectory, writeFileDurably } from '../../fs/durable.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';

export function writeVerifierKey(layout: Layout, key: VerifierKey): void {
  mkdirSync(toFsPath(layout.keys), { mode: 0o700, recursive: true });
  fsyncDirectory(layout.hkfs);
  writeFileDurably(`${layout.keys}/archive.pub`, Buffer.from(`${formatVerifierKey(key)}\n`), 0o644);
}
