/**
 * A corpus of nested equal folders: four copies of one tree, in each of which some folders differ by a file.
 * Folders hold folders three levels deep, as many as there are machines, years and albums.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf, corpusKey, ensureFolder, fraction } from './corpus.mjs';

const COPIES = 4;
const FILES_A_FOLDER = 10;
/** Of the folders of a copy. */
const ALTERED = 0.02;
const LEAST_BYTES = 102;
const MOST_BYTES = 4096;

/** Full: 10,444 folders with 100,000 files. */
export const NESTED = { full: [10, 10, 25], smoke: [2, 2, 5] };

/** @param {readonly number[]} levels folders in a folder, level by level */
export function ensureCopies(levels, seed, cache) {
  const shape = { name: 'copies', levels, COPIES, FILES_A_FOLDER, ALTERED, LEAST_BYTES, MOST_BYTES };
  const folder = join(cache, `copies-${corpusKey(shape, seed)}`);
  const made = ensureFolder(folder, (unfinished) => writeCopies(unfinished, levels, seed));
  return { folder, made, files: COPIES * FILES_A_FOLDER * levels.reduce((a, b) => a * b, 1) };
}

function writeCopies(root, levels, seed) {
  for (let copy = 0; copy < COPIES; copy++) {
    let number = 0;
    for (const folder of foldersOf(levels)) {
      const path = join(root, `copy-${copy}`, folder);
      mkdirSync(path, { recursive: true });
      const altered = copy > 0 && fraction(seed, `altered ${copy}`, number) < ALTERED;
      for (let at = 0; at < FILES_A_FOLDER; at++) {
        const content = number * FILES_A_FOLDER + at;
        writeOne(join(path, `${at}.bin`), seed, altered && at === 0 ? `${copy}-${content}` : content);
      }
      number += 1;
    }
  }
}

function* foldersOf([count, ...deeper], prefix = '') {
  for (let at = 0; at < count; at++) {
    const folder = join(prefix, String(at).padStart(3, '0'));
    if (deeper.length === 0) yield folder;
    else yield* foldersOf(deeper, folder);
  }
}

function writeOne(file, seed, content) {
  const size = Math.round(LEAST_BYTES * (MOST_BYTES / LEAST_BYTES) ** fraction(seed, 'size', content));
  writeFileSync(file, Buffer.concat([...bytesOf(seed, content, size)]));
}
