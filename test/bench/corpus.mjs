/**
 * Corpora out of a seed: the path and bytes of each file follow from the seed and the file's number alone,
 * so that a corpus need not be remembered, only made. Contents are pseudo-random and do not compress.
 */
import { createCipheriv, createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Changes whenever the same shape and seed would give other bytes: old caches are then left alone. */
const GENERATOR = 1;
const CHUNK = 4 << 20;
const ZEROS = Buffer.alloc(CHUNK);
const IV = Buffer.alloc(16);
const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * @typedef {object} Shape
 * @property {string} name
 * @property {number} files
 * @property {number} filesPerFolder
 * @property {number} parts top folders, each with an equal share of the folders; 0: none
 * @property {number} leastBytes
 * @property {number} mostBytes sizes are spread evenly over the logarithm
 * @property {number} contents number of distinct contents; further files repeat them
 */

/** @type {Record<string, { full: Shape, smoke: Shape }>} */
export const SHAPES = {
  small: pair({ name: 'small', filesPerFolder: 100, leastBytes: 102, mostBytes: 16 * KIB }, [100_000, 1000]),
  large: {
    full: large(512 * MIB),
    smoke: large(2 * MIB),
  },
  million: pair(
    { name: 'million', filesPerFolder: 100, parts: 4, leastBytes: 20, mostBytes: 200, distinct: true },
    [1_000_000, 4000],
  ),
};

function pair({ distinct = false, parts = 0, ...rest }, [full, smoke]) {
  const shape = (files) => ({ ...rest, parts, files, contents: distinct ? files : files / 2 });
  return { full: shape(full), smoke: shape(smoke) };
}

function large(bytes) {
  return {
    name: 'large',
    files: 8,
    filesPerFolder: 8,
    parts: 0,
    leastBytes: bytes,
    mostBytes: bytes,
    contents: 7,
  };
}

/**
 * The file of this number. Where half the files are repetitions, every second file is one, of any original,
 * so that they lie all over the corpus; else the last files repeat the first.
 * @param {Shape} shape
 * @param {string} seed
 * @param {number} number
 */
export function fileOf(shape, seed, number) {
  const content = contentOf(shape, seed, number);
  return { path: pathOf(shape, number), content, size: sizeOf(shape, seed, content) };
}

function contentOf({ files, contents }, seed, number) {
  if (files !== 2 * contents) return number % contents;
  return number % 2 === 0 ? number / 2 : Math.floor(fraction(seed, 'repeat', number) * contents);
}

function pathOf({ files, filesPerFolder, parts }, number) {
  const folder = Math.floor(number / filesPerFolder);
  const folders = Math.ceil(files / filesPerFolder);
  const part = parts === 0 ? '' : `part-${Math.floor((folder * parts) / folders) + 1}/`;
  return `${part}${String(folder).padStart(5, '0')}/${String(number % filesPerFolder).padStart(2, '0')}.bin`;
}

function sizeOf({ leastBytes, mostBytes }, seed, content) {
  return Math.round(leastBytes * (mostBytes / leastBytes) ** fraction(seed, 'size', content));
}

/** A number from 0 to below 1. */
export function fraction(seed, use, number) {
  return digest(seed, use, number).readUInt32BE(0) / 2 ** 32;
}

function digest(...parts) {
  return createHash('sha256').update(parts.join('\0')).digest();
}

/**
 * The bytes of a content, chunk by chunk: AES-CTR's key stream makes a gigabyte a second.
 * @param {string} seed
 * @param {number} content
 * @param {number} size
 */
export function* bytesOf(seed, content, size) {
  const cipher = createCipheriv('aes-128-ctr', digest(seed, 'bytes', content).subarray(0, 16), IV);
  for (let left = size; left > 0; left -= CHUNK)
    yield cipher.update(ZEROS.subarray(0, Math.min(left, CHUNK)));
}

/**
 * All files of a corpus, in order.
 * @param {Shape} shape
 * @param {string} seed
 */
export function* filesOf(shape, seed) {
  for (let number = 0; number < shape.files; number++) yield fileOf(shape, seed, number);
}

/**
 * The folder of a corpus in the cache, made first where it is not there. It is made beside its place and
 * then renamed, so that one in its place is whole.
 * @param {Shape} shape
 * @param {string} seed
 * @param {string} cache
 * @returns {{ folder: string, made: boolean }}
 */
export function ensureCorpus(shape, seed, cache) {
  const folder = join(cache, `${shape.name}-${corpusKey(shape, seed)}`);
  return { folder, made: ensureFolder(folder, (unfinished) => writeCorpus(shape, seed, unfinished)) };
}

/** @param {string} folder @param {(unfinished: string) => void} write @returns {boolean} whether it was made */
export function ensureFolder(folder, write) {
  if (existsSync(folder)) return false;
  const unfinished = `${folder}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  write(unfinished);
  renameSync(unfinished, folder);
  return true;
}

export function corpusKey(shape, seed) {
  return digest(GENERATOR, seed, JSON.stringify(shape)).toString('hex').slice(0, 12);
}

/**
 * @param {Shape} shape
 * @param {string} seed
 * @param {string} folder
 */
export function writeCorpus(shape, seed, folder) {
  let made = '';
  for (const { path, content, size } of filesOf(shape, seed)) {
    const file = join(folder, path);
    if (dirname(file) !== made) mkdirSync((made = dirname(file)), { recursive: true });
    writeBytes(file, seed, { content, size });
  }
}

function writeBytes(file, seed, { content, size }) {
  if (size <= CHUNK) return writeFileSync(file, Buffer.concat([...bytesOf(seed, content, size)]));
  const fd = openSync(file, 'wx');
  try {
    for (const chunk of bytesOf(seed, content, size)) writeSync(fd, chunk);
  } finally {
    closeSync(fd);
  }
}
