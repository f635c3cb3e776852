/** Whether what is outside is in the archive as well: hashed first, and only then the archive is asked. */
import { HkfsError } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import type {
  AcrossReader,
  AcrossTrouble,
  ContainsOptions,
  ContainsResult,
  Failure,
  OutsideRow,
} from '../api.js';
import type { Layout } from '../layout.js';
import type { ClosableReader } from '../remote-reader.js';
import { parseInput, type Input } from './manifest.js';
import type { OutsideFiles } from './outside-files.js';
import { settleAlgorithm, type Settled } from './manifest-algorithm.js';
import { emptyDigest } from './other-hashes.js';
import { resolveOnce, type ArchivePlace } from './archive-place.js';
import { readOutside } from './read-outside.js';
import { Verdicts } from './verdicts.js';

/** Hashes asked for at once: some megabytes on the holder's socket. */
const HASHES_PER_QUESTION = 100_000;

/**
 * @param across all archives of a remote, in place of the one
 * @throws HkfsError for bad input before anything is read, and INTERRUPTED
 */
export async function contains(
  place: ArchivePlace,
  options: ContainsOptions,
  across?: AcrossReader,
): Promise<ContainsResult> {
  const { where = false } = options;
  const input =
    options.input === undefined ? null : parseInput(Buffer.from(options.input), options.algorithm);
  if (across !== undefined) refuseOtherHashes(input);
  const at = await resolveOnce(place, options);
  const files = await readOutside(place.layout, options, input?.is === 'list' ? input.paths : []);
  const settled = across === undefined ? await settle(place, input, { ...options, at }) : asItIs(input);
  const asked = [...rowsOf(files, settled)];
  const hashes = new Set(asked.map(({ hash }) => hash).filter(isHash));
  if (across !== undefined) {
    const found = await askAcross(across, hashes);
    return new Answer({ asked, found, where, files, troubles: across.troubles });
  }
  const reader = await place.open();
  try {
    const isPlain = at === undefined && !where;
    const found = isPlain
      ? await askOnce(reader, place.layout, hashes)
      : await ask(reader, hashes, { at, paths: where });
    return new Answer({ asked, found, where, files });
  } finally {
    await reader.close();
  }
}

/** Contents of the archive; with their paths where those were asked for. */
interface Found {
  has(hash: Hash): boolean;
  get?(hash: Hash): readonly string[] | undefined;
}

class Answer implements ContainsResult {
  readonly total: number;
  readonly archived: number;
  readonly missing: number;
  readonly others: number;
  readonly failed: readonly Failure[];
  readonly troubles: readonly AcrossTrouble[];
  private readonly asked: readonly OutsideRow[];
  private readonly found: Found;
  private readonly where: boolean;

  constructor(answer: {
    asked: readonly OutsideRow[];
    found: Found;
    where: boolean;
    files: OutsideFiles;
    troubles?: readonly AcrossTrouble[];
  }) {
    this.troubles = answer.troubles ?? [];
    this.asked = answer.asked;
    this.found = answer.found;
    this.where = answer.where;
    this.failed = answer.files.failed;
    this.others = answer.files.others;
    this.archived = this.asked.reduce((count, row) => count + (this.has(row) ? 1 : 0), 0);
    this.missing = this.asked.length - this.archived;
    this.total = this.asked.length + this.failed.length;
  }

  *rows(): Generator<OutsideRow> {
    for (const row of this.asked)
      if (!this.has(row)) yield row;
      else if (this.where)
        yield { ...row, paths: (row.hash === null ? undefined : this.found.get?.(row.hash)) ?? [] };
  }

  /** An empty file has no content that could be missing. */
  private has({ hash }: OutsideRow): boolean {
    return hash === null || this.found.has(hash);
  }
}

async function settle(
  place: ArchivePlace,
  input: Input | null,
  options: ContainsOptions,
): Promise<Settled | null> {
  return input?.is === 'manifest' ? settleAlgorithm(place, input, options) : null;
}

/** Of other archives there are no contents here to try it with. */
function asItIs(input: Input | null): Settled | null {
  return input?.is === 'manifest' ? { manifest: input, translation: null } : null;
}

function* rowsOf(files: OutsideFiles, settled: Settled | null): Generator<OutsideRow> {
  yield* files;
  if (settled === null) return;
  const { algorithm, entries } = settled.manifest;
  const { translation } = settled;
  const empty = emptyDigest(algorithm);
  for (const { path, digest, size } of entries)
    if (digest === empty) yield { path, hash: null, size: 0 };
    else if (translation === null) yield { path, hash: digest, size };
    else yield { path, size, ...translation.get(digest) };
}

/** Not so for what no content of the archive can be. */
function isHash(hash: string | null): hash is Hash {
  return hash !== null && !hash.includes(':');
}

/** Other archives have no contents here that could be hashed anew. @throws HkfsError UNKNOWN_ALGORITHM */
function refuseOtherHashes(input: Input | null): void {
  if (input?.is !== 'manifest' || input.algorithm === 'blake3') return;
  throw new HkfsError('UNKNOWN_ALGORITHM', `the archives of a remote know no ${input.algorithm} hashes`, {
    hint: 'give a manifest of b3sum, or a list of the files',
  });
}

async function askAcross(across: AcrossReader, wanted: ReadonlySet<Hash>): Promise<Map<Hash, string[]>> {
  const hashes = [...wanted];
  const found = new Map<Hash, string[]>();
  for (let from = 0; from < hashes.length; from += HASHES_PER_QUESTION)
    for await (const { archive, hash, paths } of across.lookUp(
      hashes.slice(from, from + HASHES_PER_QUESTION),
    ))
      found.set(hash, [...(found.get(hash) ?? []), ...paths.map((path) => `${archive}:${path}`)]);
  return found;
}

/** Asks only about what was not found before, as of the same log. */
async function askOnce(reader: ClosableReader, layout: Layout, hashes: ReadonlySet<Hash>): Promise<Found> {
  const verdicts = await Verdicts.load(layout, reader);
  if (verdicts === null) return ask(reader, hashes, { at: undefined, paths: false });
  const unknown = [...hashes].filter((hash) => !verdicts.has(hash));
  for (const hash of (await ask(reader, unknown, { at: verdicts.at, paths: false })).keys())
    verdicts.add(hash);
  verdicts.save();
  return verdicts;
}

async function ask(
  reader: ClosableReader,
  wanted: Iterable<Hash>,
  options: { at: string | undefined; paths: boolean },
): Promise<Map<Hash, readonly string[]>> {
  const { at, paths } = options;
  const hashes = [...wanted];
  const found = new Map<Hash, readonly string[]>();
  for (let from = 0; from < hashes.length; from += HASHES_PER_QUESTION) {
    const some = hashes.slice(from, from + HASHES_PER_QUESTION);
    for await (const row of reader.lookUp(some, { ...(at === undefined ? {} : { at }), paths }))
      found.set(row.hash, row.paths);
  }
  return found;
}
