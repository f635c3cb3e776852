/** Generated sources, and what they were before anything touched them. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createHasher, hashToHex } from '../../src/fs/hash.js';
import { joinPath, readDirectoryNames, toFsPath } from '../../src/fs/names.js';
import { below, type Random } from './random.js';

/** What the archive is to know of a name. */
export interface Known {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly size: number | null;
  readonly hash: string | null;
  readonly target: string | null;
  readonly mtimeNs: string;
}

export type Snapshot = Map<string, Known>;

const MODES = [0o644, 0o600, 0o755, 0o440, 0o2750, 0o664];
/** More than a committer's batch may hold: what follows is in another commit. */
const BATCH_BREAKER = (256 << 20) + 1;

export interface TreeOptions {
  readonly random: Random;
  readonly files?: number;
  /** Makes the ingest have two commits of files: a sparse file larger than a batch stands between. */
  readonly twoBatches?: boolean;
}

/**
 * Directories a, m, z with files of all sorts; hard links within one directory and across from a to
 * z, which the batch breaker in m puts into different commits.
 */
export function makeSource(root: string, { random, files = 240, twoBatches = false }: TreeOptions): void {
  for (const directory of ['a/deep/er/still', 'm', 'z/empty directory'])
    fs.mkdirSync(join(root, directory), { recursive: true });
  for (let i = 0; i < files; i += 1) {
    const directory = ['a', 'a/deep/er', 'm', 'z'][i % 4]!;
    writeNew(join(root, directory, `file ${i}`), contentOf(i, random), MODES[i % MODES.length]);
  }
  fs.writeFileSync(Buffer.from(`${root}/m/not utf-8 \xff`, 'latin1'), 'bad name');
  writeNew(join(root, 'm/a\nnew line'), Buffer.from('new line'));
  for (const [name, mebibytes] of [
    ['m/large', 2.5],
    ['z/larger than a block', 1.2],
  ] as const)
    writeNew(join(root, name), bytesOf(mebibytes * 2 ** 20, random), 0o640);
  for (const directory of ['a', 'm', 'z'])
    fs.linkSync(join(root, 'a/file 0'), join(root, directory, 'hard link of file 0'));
  fs.linkSync(join(root, 'm/file 2'), join(root, 'z/hard link of file 2'));
  fs.symlinkSync('../a/file 0', join(root, 'm/symlink'));
  fs.symlinkSync('nowhere', join(root, 'z/dangling'));
  if (twoBatches) makeBatchBreaker(join(root, 'm/sparse'));
  fs.chmodSync(join(root, 'a/deep'), 0o700);
}

/** A file that was not there, or takes the place of one by a rename: an inode is never written again. */
export function writeNew(path: string, content: Uint8Array, mode = 0o644): void {
  const staged = `${path}.new`;
  fs.writeFileSync(staged, content);
  fs.chmodSync(staged, mode);
  fs.renameSync(staged, path);
}

export function bytesOf(length: number, random: Random): Buffer {
  const bytes = Buffer.alloc(Math.floor(length));
  for (let at = 0; at + 4 <= bytes.length; at += 64) bytes.writeUInt32LE(below(random, 2 ** 32), at);
  return bytes;
}

/** Every sixth is a duplicate, every eleventh empty. */
function contentOf(index: number, random: Random): Buffer {
  if (index % 11 === 10) return Buffer.alloc(0);
  if (index % 6 === 5) return Buffer.from('the same in many files');
  return Buffer.from(`${index} ${random()} ${'x'.repeat(below(random, 6000))}`);
}

function makeBatchBreaker(path: string): void {
  fs.writeFileSync(path, 'begins with a hole behind it');
  fs.truncateSync(path, BATCH_BREAKER);
}

/** Everything below `root`, under the names that the archive gives it when it is ingested as `as`. */
export function snapshotOf(root: string, as: string): Snapshot {
  const snapshot: Snapshot = new Map();
  const pending = [{ path: root, name: as }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, name } = next;
    const known = lookAt(path);
    snapshot.set(name, known);
    if (known.kind !== 'directory') continue;
    for (const child of readDirectoryNames(path))
      pending.push({ path: joinPath(path, child), name: joinPath(name, child) });
  }
  return snapshot;
}

export function lookAt(path: string): Known {
  const stat = fs.lstatSync(toFsPath(path), { bigint: true });
  const shared = { mode: Number(stat.mode & 0o7777n), mtimeNs: String(stat.mtimeNs) };
  const none = { size: null, hash: null, target: null };
  if (stat.isDirectory()) return { kind: 'directory', ...shared, ...none };
  if (stat.isSymbolicLink())
    return { kind: 'symlink', ...shared, ...none, target: fs.readlinkSync(toFsPath(path)) };
  const size = Number(stat.size);
  return { kind: 'file', ...shared, size, hash: size === 0 ? null : hashOfFile(path), target: null };
}

const hashedSparse = new Map<string, string>();

export function hashOfFile(path: string): string {
  const fd = fs.openSync(toFsPath(path), 'r');
  try {
    const { size } = fs.fstatSync(fd);
    const hasher = createHasher();
    const block = Buffer.alloc(Math.min(size, 1 << 20));
    const first = fs.readSync(fd, block, 0, block.length, 0);
    // The batch breakers are all alike and large: one is read, the others are known by their size.
    if (size === BATCH_BREAKER && hashedSparse.has('breaker')) return hashedSparse.get('breaker')!;
    hasher.update(block.subarray(0, first));
    for (let at = first; at < size;) {
      const length = fs.readSync(fd, block, 0, block.length, at);
      if (length === 0) break;
      hasher.update(block.subarray(0, length));
      at += length;
    }
    const hash = hashToHex(hasher.digest());
    if (size === BATCH_BREAKER) hashedSparse.set('breaker', hash);
    return hash;
  } finally {
    fs.closeSync(fd);
  }
}
