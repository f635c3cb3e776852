/**
 * Directories against what they were when they were last seen: a digest of names, inodes, sizes and
 * times stands for a listing, so that of an unchanged directory nothing has to cross threads.
 */
import { hashBytes } from './hash.js';
import { openAnchor } from './long-path.js';
import { readDirectoryNames } from './names.js';
import { statNames, toFailure } from './scan.js';
import { STAT_FIELDS } from './stats.js';
import type { EntryFailure, Listing, SurveyResult, SurveyTask } from './tasks.js';

export const DIGEST_BYTES = 32;
const TYPE_BITS = 0o170000n;
const DIRECTORY = 0o040000n;
/** dev, ino, mode, uid, gid: what of a directory does not move with what is put into it. */
const OF_DIRECTORY = [0, 1, 2, 4, 5] as const;
/** Also size, mtime and ctime. */
const OF_OTHERS = [0, 1, 2, 4, 5, 7, 8, 9] as const;

export function surveyDirectories(task: SurveyTask): SurveyResult {
  const digests = new Uint8Array(task.directories.length * DIGEST_BYTES);
  const listings = new Map<number, Listing>();
  const failures = new Map<number, EntryFailure>();
  for (const [index, directory] of task.directories.entries()) {
    const from = index * DIGEST_BYTES;
    try {
      const listing = list(directory);
      const digest = digestOf(listing);
      digests.set(digest, from);
      const isExpected = digest.equals(task.expected.subarray(from, from + DIGEST_BYTES));
      if (!isExpected || listing.failures.size > 0) listings.set(index, listing);
    } catch (error) {
      failures.set(index, toFailure(error));
    }
  }
  return { digests, listings, failures };
}

function list(directory: string): Listing {
  const anchor = openAnchor(directory);
  try {
    return statNames(anchor.path, readDirectoryNames(anchor.path), null);
  } finally {
    anchor.close();
  }
}

/** In the order of the directory, which stays the same while the directory does. */
function digestOf({ names, stats }: Listing): Buffer {
  const numbers = new BigInt64Array(names.length * OF_OTHERS.length);
  let length = 0;
  for (let at = 0; at < stats.length; at += STAT_FIELDS) {
    const isDirectory = (stats[at + 2]! & TYPE_BITS) === DIRECTORY;
    for (const field of isDirectory ? OF_DIRECTORY : OF_OTHERS) numbers[length++] = stats[at + field]!;
  }
  const bytes = Buffer.from(numbers.buffer, 0, length * 8);
  return hashBytes(Buffer.concat([Buffer.from(names.join('\0')), bytes]));
}
