/** Whose `.hkfs` this is, by whatever of it can still be read; and what of its small files is damaged. */
import { existsSync, readFileSync } from 'node:fs';
import { errnoOf, isHkfsError } from '../../errors.js';
import { originOf } from '../../events/checkpoint.js';
import { parseSignerKey, parseVerifierKey, type VerifierKey } from '../../events/signed-note.js';
import { toFsPath } from '../../fs/names.js';
import { readArchiveFile, type ArchiveFile, type Layout } from '../layout.js';
import { readOrigin, type Origin } from '../remote/origin.js';

export type KeyState = 'good' | 'missing' | 'damaged';

export interface Identity {
  readonly file: ArchiveFile | null;
  readonly origin: Origin | null;
  /** The public key, by itself or by the private one. */
  readonly key: VerifierKey | null;
  readonly privateKey: KeyState;
  readonly publicKey: KeyState;
  readonly originFile: KeyState;
  /** What the files say, the most telling first; the log's first event goes before. */
  readonly id: string | null;
}

const NAME = originOf('');

/** @throws HkfsError NEWER_FORMAT */
export function identify(layout: Layout): Identity {
  const file = archiveFileOf(layout);
  const secret = readKey(`${layout.keys}/archive`, (text) => parseSignerKey(text).verifier);
  const open = readKey(`${layout.keys}/archive.pub`, parseVerifierKey);
  const origin = originOrNull(layout);
  const key = open.key ?? secret.key;
  return {
    file,
    origin,
    key,
    privateKey: secret.state,
    publicKey: open.state,
    originFile: originState(layout, { origin, file }),
    id: file?.id ?? key?.name.slice(NAME.length) ?? origin?.archive ?? null,
  };
}

function archiveFileOf({ root }: Layout): ArchiveFile | null {
  try {
    return readArchiveFile(root);
  } catch (error) {
    if (isHkfsError(error, 'NEWER_FORMAT')) throw error;
    if (isHkfsError(error) || errnoOf(error) === 'EISDIR') return null;
    throw error;
  }
}

/** Null also where it is damaged. */
export function originOrNull(layout: Layout): Origin | null {
  try {
    return readOrigin(layout);
  } catch (error) {
    if (isHkfsError(error)) return null;
    throw error;
  }
}

/** Not there is no damage, unless `archive.json` says that this is a clone. */
function originState(
  { origin }: Layout,
  { origin: read, file }: { origin: Origin | null; file: ArchiveFile | null },
): KeyState {
  if (!existsSync(toFsPath(origin))) return file?.origin === true ? 'damaged' : 'missing';
  return typeof read?.url === 'string' && typeof read.head?.size === 'number' ? 'good' : 'damaged';
}

function readKey(
  path: string,
  parse: (text: string) => VerifierKey,
): { key: VerifierKey | null; state: KeyState } {
  try {
    const key = parse(readFileSync(toFsPath(path), 'utf8').trim());
    return key.name.startsWith(NAME) ? { key, state: 'good' } : { key: null, state: 'damaged' };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return { key: null, state: 'missing' };
    if (isHkfsError(error) || errnoOf(error) === 'EISDIR') return { key: null, state: 'damaged' };
    throw error;
  }
}
