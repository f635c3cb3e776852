/**
 * What becomes of sources once the archive has their contents: they go (`move`), or their names become
 * links to their objects (`assimilate`). A name is given up only where the object has the very inode, or
 * the same bytes, compared right before: what was believed of either until then counts for nothing here.
 */
import * as fs from 'node:fs';
import { threadId } from 'node:worker_threads';
import { errnoOf } from '../errors.js';
import { BLOCK_BYTES, inSource, OBJECT_MODE, withFile, type TaskContext } from './contents.js';
import { failpoint } from './failpoints.js';
import { joinPath, type FsPath } from './names.js';
import { twinPaths } from './place.js';
import { hasEqualBytes, readBlock } from './same-bytes.js';
import { lstatOrNull, toFailure } from './scan.js';
import { hashOfObjectPath, hashOpenFile } from './stage.js';
import { sameContentStat, StatTable, storable, TouchedInodes, type FileStat } from './stats.js';
import type { EntryFailure, ReleaseItem, ReleaseResult, ReleaseTask } from './tasks.js';

/** After the commit; what is not as it was ingested stays. */
export function releaseSources(task: ReleaseTask, context: TaskContext): ReleaseResult {
  const failures = new Map<number, EntryFailure>();
  const wrong: number[] = [];
  const touched = new TouchedInodes(task.items.length);
  const releaser = new Releaser(task.staging, context);
  for (const [index, item] of task.items.entries()) {
    try {
      failpoint('source.release');
      const change = releaser.release(item);
      if (change) touched.add(index, change.before, change.after);
    } catch (error) {
      failures.set(index, toFailure(error));
      if (errnoOf(error) === 'EBADMSG') wrong.push(index);
    }
  }
  return { failures, wrong, ...touched.take() };
}

interface Source {
  readonly fd: number;
  readonly stat: fs.BigIntStats;
  /** What names it for the kernel. */
  readonly name: FsPath;
}

interface Change {
  readonly before: fs.BigIntStats;
  readonly after: fs.BigIntStats;
}

class Releaser {
  private readonly staging: string;
  private readonly context: TaskContext;
  private second: Buffer | undefined;

  constructor(staging: string, context: TaskContext) {
    this.staging = staging;
    this.context = context;
  }

  /** @returns what it did to an object's inode, where it gave that a name or took one */
  release(item: ReleaseItem): Change | null {
    const expected = new StatTable(item.expected).get(0);
    const { object } = item;
    if (object === null && !isRegular(expected)) return this.removeOther(item.path, expected);
    return withFile(item.path, (fd) => {
      const stat = storable(fs.fstatSync(fd, { bigint: true }));
      assertAsIngested(stat, expected, item.adopted);
      const own = object === null ? undefined : inodesOf(object).find((path) => isInode(path, stat));
      if (own !== undefined && item.relink) return null;
      if (own === undefined) this.assertNotBusy(fd);
      return inSource(item.path, (name) => {
        const source = { fd, stat, name };
        if (item.relink) return this.relink(source, object!);
        // A stat that says 0 is no evidence of an empty file.
        if (object === null && readBlock(fd, this.context.block, 0) > 0) throw hasBytesNow();
        if (object !== null && own === undefined) this.assertSameBytes(source, object);
        return this.remove(source, own);
      });
    });
  }

  /** Symlinks and specials. */
  private removeOther(path: string, expected: FileStat): null {
    return inSource(path, (source) => {
      assertAsIngested(storable(fs.lstatSync(source, { bigint: true })), expected, false);
      fs.unlinkSync(source);
      failpoint('source.released');
      return null;
    });
  }

  private remove({ name, stat }: Source, own: string | undefined): Change | null {
    const before = storable(fs.lstatSync(name, { bigint: true }));
    if (!sameContentStat(before, stat)) throw changed();
    fs.unlinkSync(name);
    failpoint('source.released');
    return own === undefined ? null : { before, after: fs.lstatSync(own, { bigint: true }) };
  }

  /** What it goes on to write would be in no file that has a name. */
  private assertNotBusy(fd: number): void {
    const { posix } = this.context;
    const isOpen = posix?.isOpenForWriting(fd) ?? null;
    if (isOpen) throw Object.assign(new Error('another program has it open for writing'), { code: 'EBUSY' });
    if (isOpen === false) posix?.endLease(fd);
  }

  /** @throws ESTALE where it is the source that changed, EBADMSG where the object has other bytes */
  private assertSameBytes({ fd, stat }: Source, object: string, inode = object): void {
    failpoint('source.compare');
    if (withFile(inode, (other) => this.hasSameBytes(fd, other))) return;
    // Reads with a position do not move the descriptor: it still stands at the beginning.
    const actual = hashOpenFile(fd, Number(stat.size), this.context);
    if (actual.hash.toString('hex') !== hashOfObjectPath(object)) throw changed();
    const message = `${object} does not have the bytes of its name`;
    throw Object.assign(new Error(message), { code: 'EBADMSG' });
  }

  private hasSameBytes(source: number, object: number): boolean {
    const { block: ours, onBlock } = this.context;
    const theirs = (this.second ??= Buffer.allocUnsafe(BLOCK_BYTES));
    return hasEqualBytes(source, object, { ours, theirs }, onBlock);
  }

  /**
   * The source's name becomes a link to the object, atomically. The link is made in staging, where a
   * kill leaves nothing that a person or a later ingest would meet; what takes the place is what is compared.
   */
  private relink(source: Source, object: string): Change | null {
    const temporary = joinPath(this.staging, `release-${threadId}`);
    for (const inode of twinPaths(object)) {
      const before = fs.lstatSync(inode, { bigint: true });
      try {
        fs.linkSync(inode, temporary);
      } catch (error) {
        if (errnoOf(error) === 'EMLINK') continue;
        throw error;
      }
      try {
        this.assertSameBytes(source, object, temporary);
        if (!sameContentStat(storable(fs.lstatSync(source.name, { bigint: true })), source.stat))
          throw changed();
        failpoint('source.relink');
        fs.renameSync(temporary, source.name);
      } finally {
        // A rename between two links of one inode does nothing and leaves both.
        fs.rmSync(temporary, { force: true });
      }
      failpoint('source.released');
      return { before, after: fs.lstatSync(inode, { bigint: true }) };
    }
    throw Object.assign(new Error('its object takes no more links'), { code: 'EMLINK' });
  }
}

function assertAsIngested(stat: fs.BigIntStats, expected: FileStat, adopted: boolean): void {
  const isSame =
    stat.dev === expected.dev &&
    stat.ino === expected.ino &&
    stat.size === expected.size &&
    stat.mtimeNs === expected.mtimeNs;
  if (!isSame || !(stat.ctimeNs === expected.ctimeNs || hasOnlyFewerNames(stat, expected, adopted)))
    throw changed();
}

/**
 * Our own releases of other names of an inode move its ctime, and our links and modes that of an adopted one: what
 * else moves it must not have changed the owner or the mode.
 */
function hasOnlyFewerNames(stat: fs.BigIntStats, expected: FileStat, adopted: boolean): boolean {
  const isSameOwner = stat.uid === expected.uid && stat.gid === expected.gid;
  const isOurMode = adopted && Number(stat.mode & 0o7777n) === OBJECT_MODE;
  if (!isSameOwner || (stat.mode !== expected.mode && !isOurMode)) return false;
  return adopted || stat.nlink < expected.nlink;
}

function isRegular({ mode }: FileStat): boolean {
  return (Number(mode) & fs.constants.S_IFMT) === fs.constants.S_IFREG;
}

function inodesOf(object: string): string[] {
  return lstatOrNull(object) === null ? [] : twinPaths(object);
}

function isInode(path: string, { dev, ino }: fs.BigIntStats): boolean {
  const stat = lstatOrNull(path);
  return stat !== null && stat.ino === ino && stat.dev === dev;
}

function hasBytesNow(): Error {
  return Object.assign(new Error('it has bytes now'), { code: 'ESTALE' });
}

function changed(): Error {
  return Object.assign(new Error('changed since it was ingested'), { code: 'ESTALE' });
}
