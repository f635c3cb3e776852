/**
 * Manifests of other hashes than BLAKE3: the archive's own contents are read and hashed so, once, and
 * that is remembered, because a content never has another hash.
 */
import { createHash } from 'node:crypto';
import type { Hash } from '../../events/types.js';
import { hashBytes } from '../../fs/hash.js';
import { WorkerPool } from '../../fs/pool.js';
import { together } from '../../fs/together.js';
import type { ContainsOptions } from '../api.js';
import type { Layout } from '../layout.js';
import type { ArchivePlace } from './archive-place.js';
import { readChecked, writeChecked } from './checked-file.js';
import type { Algorithm, Manifest } from './manifest.js';
import { refuseInterrupted } from './read-outside.js';

const HASH_BYTES = 32;
/** Objects and bytes in one task. */
const MAX_FILES = 512;
const MAX_BYTES = 32 << 20;

interface Content {
  readonly hash: Hash;
  readonly size: number;
}

export class Translation {
  private readonly algorithm: Algorithm;
  private readonly contents: ReadonlyMap<string, Content>;

  private constructor(algorithm: Algorithm, contents: ReadonlyMap<string, Content>) {
    this.algorithm = algorithm;
    this.contents = contents;
  }

  static async make(place: ArchivePlace, input: Manifest, options: ContainsOptions): Promise<Translation> {
    const candidates = await candidatesOf(place, input, options.at);
    const known = new DigestFile(place.layout, input.algorithm);
    await known.complete(candidates, options);
    const contents = new Map<string, Content>();
    for (const content of candidates) {
      const digest = known.get(content.hash);
      if (digest !== undefined) contents.set(digest, content);
    }
    return new Translation(input.algorithm, contents);
  }

  has(digest: string): boolean {
    return this.contents.has(digest);
  }

  get(digest: string): { hash: string } | Content {
    return this.contents.get(digest) ?? { hash: `${this.algorithm}:${digest}` };
  }
}

/** What the hash of no bytes is. */
export function emptyDigest(algorithm: Algorithm): string {
  const nothing = Buffer.alloc(0);
  if (algorithm === 'blake3') return hashBytes(nothing).toString('hex');
  return createHash(algorithm).update(nothing).digest('hex');
}

/** Contents of the archive that may be meant: where the manifest has sizes, those of one of them. */
async function candidatesOf(
  place: ArchivePlace,
  { entries }: Manifest,
  at: string | undefined,
): Promise<Content[]> {
  const sizes = entries.every(({ size }) => size !== null) ? new Set(entries.map(({ size }) => size)) : null;
  const candidates: Content[] = [];
  const reader = await place.open();
  try {
    for await (const { hash, size } of reader.contents(at === undefined ? {} : { at }))
      if (sizes === null || sizes.has(size)) candidates.push({ hash, size });
  } finally {
    await reader.close();
  }
  return candidates;
}

class DigestFile {
  private readonly layout: Layout;
  private readonly algorithm: Exclude<Algorithm, 'blake3'>;
  private readonly digests = new Map<Hash, string>();
  private readonly width: number;

  constructor(layout: Layout, algorithm: Algorithm) {
    this.layout = layout;
    this.algorithm = algorithm as Exclude<Algorithm, 'blake3'>;
    this.width = HASH_BYTES + createHash(this.algorithm).digest().length;
    const rows = Buffer.from(readChecked(this.path));
    for (let at = 0; at + this.width <= rows.length; at += this.width)
      this.digests.set(
        rows.toString('hex', at, at + HASH_BYTES),
        rows.toString('hex', at + HASH_BYTES, at + this.width),
      );
  }

  get(hash: Hash): string | undefined {
    return this.digests.get(hash);
  }

  /** Reads the objects whose digests are not known; those that cannot be read have none. */
  async complete(contents: readonly Content[], options: ContainsOptions): Promise<void> {
    const unknown = contents.filter(({ hash }) => !this.digests.has(hash));
    if (unknown.length === 0) return;
    const pool = new WorkerPool();
    const stop = (): void => pool.cancel();
    options.signal?.addEventListener('abort', stop);
    const done = { files: 0, bytes: 0 };
    try {
      const chunks = chunksOf(unknown);
      const work = async (): Promise<void> => {
        for (let chunk = chunks.pop(); chunk && !options.signal?.aborted; chunk = chunks.pop()) {
          await this.read(pool, chunk);
          done.files += chunk.length;
          for (const { size } of chunk) done.bytes += size;
          const totals = { totalFiles: unknown.length, totalBytes: null };
          options.onProgress?.({ phase: 'reading the archive', ...done, ...totals });
        }
      };
      await together(Array.from({ length: pool.size * 2 }, work), () => chunks.splice(0));
    } finally {
      options.signal?.removeEventListener('abort', stop);
      await pool.close();
      this.save();
    }
    refuseInterrupted(options.signal);
  }

  private async read(pool: WorkerPool, chunk: readonly Content[]): Promise<void> {
    const { objects } = this.layout;
    const hashes = chunk.map(({ hash }) => hash);
    const algorithms = [this.algorithm];
    const { digests, failures } = await pool.run({ task: 'digest-objects', objects, hashes, algorithms });
    for (const [index, hash] of hashes.entries())
      if (!failures.has(index)) this.digests.set(hash, digests[index]![0]!);
  }

  private save(): void {
    const rows = [...this.digests].map(([hash, digest]) => Buffer.from(hash + digest, 'hex'));
    writeChecked(this.layout, this.path, Buffer.concat(rows));
  }

  private get path(): string {
    return `${this.layout.outside}/${this.algorithm}`;
  }
}

function chunksOf(contents: readonly Content[]): Content[][] {
  const chunks: Content[][] = [];
  let chunk: Content[] = [];
  let bytes = 0;
  for (const content of contents) {
    chunk.push(content);
    bytes += content.size;
    if (chunk.length < MAX_FILES && bytes < MAX_BYTES) continue;
    chunks.push(chunk);
    chunk = [];
    bytes = 0;
  }
  return chunk.length === 0 ? chunks : [...chunks, chunk];
}
