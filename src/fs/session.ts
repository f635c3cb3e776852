/**
 * Whose a temporary is, on a disk that several machines and containers may share: process ids mean something in
 * one namespace of one start of one machine only. So a session is random, holds a lock that the kernel drops,
 * and is judged by its age only where nothing better is known.
 */
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { errnoOf } from '../errors.js';
import { toFsPath } from './names.js';
import type { Posix } from './posix.js';
import { removeTree } from './remove-tree.js';

const LOCK = 'lock';
/** The file system, or the server behind it, knows no locks. */
const NO_LOCKS = new Set(['ENOSYS', 'ENOLCK', 'EOPNOTSUPP', 'ENOTSUP', 'EINVAL']);

/** Of this thread: never the same twice, in no namespace. */
export const SESSION_ID = randomBytes(8).toString('hex');

let known: string | undefined;

/** Where process ids mean what they mean here: this start of this machine, this namespace. */
export function pidSpace(): string {
  known ??= createHash('sha256')
    .update(readOr(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')))
    .update(readOr(() => fs.readlinkSync('/proc/self/ns/pid')))
    .digest('hex')
    .slice(0, 16);
  return known;
}

/** This start of this machine: its kernel knows all locks of its processes. */
function bootKey(): string {
  const boot = readOr(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  return boot.replaceAll(/[^0-9a-f]/g, '').slice(0, 16);
}

/** Where the system does not tell, nobody else is taken for one of the same. */
function readOr(read: () => string): string {
  try {
    return read();
  } catch {
    return SESSION_ID;
  }
}

/** False only for what is known to be gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

/** A folder of temporaries, which nobody sweeps while its process lives. */
export class Session {
  readonly path: string;
  private readonly lock: number | null;

  private constructor(path: string, lock: number | null) {
    this.path = path;
    this.lock = lock;
  }

  /** @throws the errno of making it */
  static begin(folder: string, posix: Posix | null, mode: number): Session {
    const random = randomBytes(8).toString('hex');
    const path = `${folder}/${bootKey()}+${pidSpace()}+${process.pid}+${random}`;
    fs.mkdirSync(toFsPath(path), mode);
    return new Session(path, posix && takeLock(path, posix));
  }

  end(): void {
    removeTree(this.path);
    if (this.lock !== null) fs.closeSync(this.lock);
  }
}

/** It gets its name when it is held: one that is free is that of a process that is gone. */
function takeLock(session: string, posix: Posix): number | null {
  const fresh = toFsPath(`${session}/${LOCK}.new`);
  const fd = fs.openSync(fresh, 'wx', 0o600);
  try {
    if (!posix.tryLock(fd)) throw new Error('somebody else holds a lock that was just made');
    fs.renameSync(fresh, toFsPath(`${session}/${LOCK}`));
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    if (!NO_LOCKS.has(errnoOf(error) ?? '')) throw error;
    fs.unlinkSync(fresh);
    return null;
  }
}

/** Removes sessions of processes that are gone, and those so old that nobody works on them. */
export function sweepSessions(folder: string, posix: Posix | null, staleMs: number): void {
  for (const name of fs.readdirSync(toFsPath(folder), 'utf8')) {
    const path = `${folder}/${name}`;
    try {
      if (isLeftBehind(path, name, { posix, staleMs })) removeTree(path);
    } catch (error) {
      // Not ours to remove, or another hkfs was quicker.
      if (!['ENOENT', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    }
  }
}

function isLeftBehind(
  path: string,
  name: string,
  { posix, staleMs }: { posix: Posix | null; staleMs: number },
): boolean {
  const [boot, space, pid] = name.split('+');
  const lock = posix === null ? 'unknown' : lockOf(path, posix);
  if (lock === 'held') return false;
  if (lock === 'free' && boot === bootKey()) return true;
  if (space === pidSpace() && /^\d+$/.test(pid ?? '')) return !isAlive(Number(pid));
  return Date.now() - fs.lstatSync(toFsPath(path)).mtimeMs > staleMs;
}

function lockOf(session: string, posix: Posix): 'held' | 'free' | 'unknown' {
  let fd: number;
  try {
    fd = fs.openSync(toFsPath(`${session}/${LOCK}`), fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(errnoOf(error) ?? '')) return 'unknown';
    throw error;
  }
  try {
    return posix.tryLock(fd) ? 'free' : 'held';
  } catch (error) {
    if (NO_LOCKS.has(errnoOf(error) ?? '')) return 'unknown';
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}
