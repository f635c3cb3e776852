/**
 * The use case of `cat`: a content's bytes, or a range of them, to whoever takes them. Nothing wrong is ever
 * complete: what fits into memory is hashed before its first byte goes out; of more, the last piece is held
 * back until all is known to be right. A copy that is no good is left for the next (docs/decisions/0029).
 */
import { rmSync } from 'node:fs';
import { HkfsError, isHkfsError } from '../errors.js';
import type { Hash } from '../events/types.js';
import type { ArchiveReader, ContentLocation, Message } from './api.js';
import { copyProblem, openContent, type Copy } from './content-copy.js';
import { sayBad } from './other-copies.js';
import { sayCollected } from './queries/collected.js';
import type { FetchedFile } from './remote/fetch-for-cat.js';

export interface HandOutOptions {
  readonly at?: string | undefined;
  /** Bytes; what lies beyond the end is left out. */
  readonly offset?: number | undefined;
  readonly length?: number | undefined;
  readonly onMessage?: (message: Message) => void;
}

/**
 * @throws HkfsError NOT_FOUND, NOT_A_FILE, OBJECT_COLLECTED; OBJECT_MISSING and OBJECT_DAMAGED where no copy is
 *   good, or the one that goes out turns out not to be: then its end is not given out
 */
export async function* handOut(
  reader: ArchiveReader,
  target: string,
  { at, offset = 0, length = Infinity, onMessage = () => {} }: HandOutOptions,
): AsyncGenerator<Uint8Array> {
  const location = await reader.locate(target, { at });
  const { hash, size } = location;
  const range = { start: offset, end: Math.min(size, offset + length) };
  if (hash === null || range.start >= range.end) return;
  let bad: HkfsError | null = null;
  for await (const copy of copiesOf(reader, target, { at, location, onMessage })) {
    const opened = await openContent(copy, { hash, size, range });
    if (opened instanceof HkfsError) {
      bad ??= opened;
      continue;
    }
    if (bad) onMessage({ level: 'warning', code: bad.code, path: target, text: sayBad(bad) });
    return yield* opened;
  }
  throw bad ?? absent(location, hash);
}

interface Wanted {
  readonly at: string | undefined;
  readonly location: ContentLocation;
  readonly onMessage: (message: Message) => void;
}

/** What the hash tree has first; then other names in the tree; then where a clone comes from. */
async function* copiesOf(reader: ArchiveReader, target: string, wanted: Wanted): AsyncGenerator<Copy> {
  const { at, location } = wanted;
  yield* copiesIn(location);
  if (location.collected) return;
  const everywhere = await reader.locate(target, { at, everywhere: true });
  yield* copiesIn(everywhere).filter(({ file }) => !location.files.includes(file));
  const fetched = await fromOrigin(reader.root, wanted);
  if (fetched === null) return;
  try {
    yield { file: fetched.file, seal: null };
  } finally {
    if (!fetched.isKept) rmSync(fetched.file, { force: true });
  }
}

/** Where only damaged bytes are here, an origin that cannot be reached is not what is wrong in the first place. */
async function fromOrigin(
  root: string,
  { location: { hash, size, files }, onMessage }: Wanted,
): Promise<FetchedFile | null> {
  const { fetchForCat } = await import('./remote/fetch-for-cat.js');
  const keep = files.length === 0;
  try {
    return await fetchForCat(root, { hash: hash!, size }, { keep });
  } catch (error) {
    if (keep || !isHkfsError(error)) throw error;
    onMessage({ level: 'warning', code: error.code, text: error.message });
    return null;
  }
}

function copiesIn({ files, seals }: ContentLocation): Copy[] {
  return files.map((file, index) => ({ file, seal: seals?.[index] ?? null }));
}

function absent({ collected }: ContentLocation, hash: Hash): HkfsError {
  if (collected)
    return new HkfsError('OBJECT_COLLECTED', sayCollected(hash, collected), {
      hint: 'if you still have a copy, ingest it again',
    });
  return copyProblem('OBJECT_MISSING', `the bytes of ${hash} are not in the hash tree`);
}
