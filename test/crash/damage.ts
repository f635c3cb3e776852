/** Damage done by hand to files and to a closed LevelDB. */
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { ClassicLevel } from 'classic-level';
import { recordHash, withLink } from '../../src/events/commit-chain.js';
import { encodeCommit } from '../../src/events/commit-record.js';
import { commitKey, eventKey } from '../../src/events/log-keys.js';
import { CompactRange } from '../../src/events/merkle.js';
import { lastCommitOf } from '../../src/events/commit-scan.js';

export type Level = ClassicLevel<Buffer, Buffer>;

/** @param share where in the file, from 0 to 1 */
export function flipBit(path: string, share: number): void {
  if (statSync(path).size === 0) return;
  const bytes = readFileSync(path);
  const at = Math.min(Math.floor(share * bytes.length), bytes.length - 1);
  bytes[at] = bytes[at]! ^ (1 << (at % 8));
  writeFileSync(path, bytes);
}

/** Opens the log of an archive that nobody holds. */
export async function withLevel<T>(location: string, use: (level: Level) => Promise<T>): Promise<T> {
  const level: Level = new ClassicLevel(location, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await level.open({ createIfMissing: false });
  try {
    return await use(level);
  } finally {
    await level.close();
  }
}

/** A commit of one event whose bytes are given, right in every other way. @returns its position */
export function appendBytes(archive: string, given: Buffer): Promise<number> {
  return withLevel(`${archive}/.hkfs/log`, async (level) => {
    const last = (await lastCommitOf(level))!;
    const first = last.first + last.count;
    const bytes = given[1] === 1 ? withLink(given, recordHash(last)) : given;
    const range = CompactRange.from(first, last.range);
    range.append(bytes);
    const commit = encodeCommit({ ...last, first, count: 1, range: range.hashes });
    const put = { type: 'put' as const };
    await level.batch([
      { ...put, key: eventKey(first), value: bytes },
      { ...put, key: commitKey(first), value: Buffer.from(commit) },
    ]);
    return first;
  });
}

/** Log and views as they are now, to be brought back: the tree and the objects are of the same inodes. */
export function saved(archive: string, directory: string): { bringBack(): void } {
  const names = ['log', 'views'];
  for (const name of names)
    cpSync(`${archive}/.hkfs/${name}`, `${directory}/${name}`, { recursive: true, preserveTimestamps: true });
  return {
    bringBack() {
      for (const name of names) {
        rmSync(`${archive}/.hkfs/${name}`, { recursive: true, force: true });
        cpSync(`${directory}/${name}`, `${archive}/.hkfs/${name}`, { recursive: true });
      }
    },
  };
}
