/** The public key of an archive: of a clone, beside which no private one is, too. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from '../../events/signed-note.js';
import { fsyncDirectory, writeFileDurably } from '../../fs/durable.js';
import { toFsPath } from '../../fs/names.js';
import { archiveKey } from '../keys.js';
import type { Layout } from '../layout.js';
import type { OpenArchive } from '../open-archive.js';

export function writeVerifierKey(layout: Layout, key: VerifierKey): void {
  mkdirSync(toFsPath(layout.keys), { mode: 0o700, recursive: true });
  fsyncDirectory(layout.hkfs);
  writeFileDurably(`${layout.keys}/archive.pub`, Buffer.from(`${formatVerifierKey(key)}\n`), 0o644);
}

/** The key that has to have signed: a clone has it alone, the archive itself with its private half. */
export function publicKey(archive: OpenArchive): VerifierKey {
  const path = toFsPath(`${archive.layout.keys}/archive.pub`);
  if (!existsSync(path)) return archiveKey(archive).verifier;
  return parseVerifierKey(readFileSync(path, 'utf8').trim());
}
