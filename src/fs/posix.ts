import { constants as fsConstants } from 'node:fs';
import { constants, endianness } from 'node:os';

import type { Xattr } from '../events/types.js';
import { AccountNames } from './account-names.js';
import { CString } from './c-string.js';
import { deviceOf, type DeviceNumbers } from './device-numbers.js';
import { loadLibc, type Libc } from './libc.js';
import type { FsPath } from './names.js';
import { posixError, type FailedCall } from './posix-error.js';
import { renameByLink } from './rename-no-replace.js';
import { XattrCalls } from './xattrs.js';

const { errno } = constants;

/** Longest path a system call takes, in bytes without the NUL (PATH_MAX is 4,096 with it). */
const PATH_BYTES = 4_095;
const NANOSECONDS = 1_000_000_000n;

/** Linux's numbers (fcntl.h, linux/fs.h, sys/stat.h). */
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const RENAME_NOREPLACE = 1;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** Linux's fs.h. */
const SYNC_FILE_RANGE_WRITE = 2;
const UTIME_OMIT = 0x3ffffffen;
/** _IOW(0x94, 9, int); on the few processors that number ioctls otherwise it ends in ENOTTY. */
const FICLONE = 0x40049409;
/** Linux's fcntl.h: the same on every processor that Node runs on. */
const F_RDLCK = 0;
const F_UNLCK = 2;
const F_SETSIG = 10;
const F_SETLEASE = 1024;
/** sys/file.h. */
const LOCK_EX = 2;
const LOCK_NB = 4;
/** asm-generic/socket.h; of the processors that Node runs on only PowerPC has another number. */
const SOL_SOCKET = 1;
const SO_PEERCRED = process.arch === 'ppc64' ? 21 : 17;
/** `struct ucred`: process, user and group, four bytes each. */
const UCRED_BYTES = 12;
const UCRED_UID = 4;
/** Linux's number of openat2 on the processors named; fcntl.h, openat2.h. */
const SYS_OPENAT2 = 437;
const OPENAT2_PROCESSORS = new Set(['x64', 'arm64', 'riscv64', 'ppc64', 's390x', 'loong64']);
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
/** `struct open_how`: flags, mode, resolve. */
const HOW_DIRECTORY_BELOW = BigUint64Array.of(
  BigInt(O_PATH | fsConstants.O_DIRECTORY | O_CLOEXEC),
  0n,
  BigInt(RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH),
);
const ADVICE = { normal: 0, random: 1, sequential: 2, willneed: 3, dontneed: 4 } as const;

/** Here no clone can be made; another way of copying may do. */
const NOT_CLONABLE = new Set([errno.EOPNOTSUPP, errno.ENOTSUP, errno.EXDEV, errno.EINVAL, errno.ENOTTY]);
/** Here the kernel copies nothing itself; reading and writing may do. */
const NOT_COPYABLE = new Set([...NOT_CLONABLE, errno.ENOSYS, errno.EIO, errno.EBADF, errno.EPERM]);
/** A kernel before 5.6, or a sandbox that does not know the call. */
const NO_OPENAT2 = new Set([errno.ENOSYS, errno.EPERM]);
const NO_NOREPLACE = new Set([errno.ENOSYS, errno.EINVAL]);

export type Advice = keyof typeof ADVICE;

/** Nanoseconds since 1970; a time that is absent stays as it is. */
export interface FileTimes {
  readonly atimeNs?: bigint;
  readonly mtimeNs?: bigint;
}

/**
 * The system calls that Node lacks, or null where they cannot be had (no koffi, not 64-bit Linux).
 * Make one for each thread and hand it on: an instance owns the buffers that its calls write to.
 */
export function loadPosix(): Posix | null {
  const libc = loadLibc();
  return libc && new Posix(libc);
}

/**
 * System calls on PEP 383 paths. All throw errors like node:fs's, with code, syscall and path;
 * ENOSYS where the C library lacks the call.
 */
export class Posix {
  readonly #libc: Libc;
  readonly #path = new CString(PATH_BYTES, errno.ENAMETOOLONG);
  readonly #secondPath = new CString(PATH_BYTES, errno.ENAMETOOLONG);
  /** Two `struct timespec`: access and modification, seconds and nanoseconds of each. */
  readonly #times = new BigInt64Array(4);
  readonly #xattrs: XattrCalls;
  readonly #accounts: AccountNames;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#xattrs = new XattrCalls(libc, this.#path);
    this.#accounts = new AccountNames(libc);
  }

  /** Names of the extended attributes, in no order. Never follows a symlink. */
  llistxattr(path: FsPath): readonly string[] {
    return this.#xattrs.list(path);
  }

  /** The value of one extended attribute. Never follows a symlink. */
  lgetxattr(path: FsPath, name: string): Uint8Array {
    return this.#xattrs.get(path, name);
  }

  /** All extended attributes sorted by name; empty where the filesystem has none at all. */
  readXattrs(path: FsPath): readonly Xattr[] {
    return this.#xattrs.readAll(path);
  }

  /** Makes or replaces one extended attribute. Never follows a symlink. */
  lsetxattr(path: FsPath, name: string, value: Uint8Array): void {
    this.#xattrs.set(path, { name, value });
  }

  /** Removes one extended attribute. Never follows a symlink. */
  lremovexattr(path: FsPath, name: string): void {
    this.#xattrs.remove(path, name);
  }

  /** Names of the extended attributes of what the path leads to, such as an open file in `/proc/self/fd`. */
  listxattr(path: FsPath): readonly string[] {
    return this.#xattrs.list(path, true);
  }

  /** Makes or replaces an extended attribute of what the path leads to. */
  setxattr(path: FsPath, name: string, value: Uint8Array): void {
    this.#xattrs.set(path, { name, value }, true);
  }

  /** Removes an extended attribute of what the path leads to. */
  removexattr(path: FsPath, name: string): void {
    this.#xattrs.remove(path, name, true);
  }

  /**
   * A directory (O_PATH) below an open one, through real directories only; null where the kernel cannot.
   * ELOOP where a symlink is on the way. To be closed with `closeDirectory`, because Node does not know of it.
   */
  openDirectoryBelow(fd: number, relative: FsPath): number | null {
    if (!OPENAT2_PROCESSORS.has(process.arch)) return null;
    const call = { syscall: 'openat2', path: relative };
    const path = this.#path.set(relative, call);
    const how = HOW_DIRECTORY_BELOW;
    const opened = Number(this.#libc.syscall(SYS_OPENAT2, fd, path, how, how.byteLength));
    if (opened >= 0) return opened;
    const number = this.#libc.errno();
    if (NO_OPENAT2.has(number)) return null;
    throw posixError(number, call);
  }

  closeDirectory(fd: number): void {
    this.#libc.close(fd);
  }

  /** Sets times in nanoseconds; of a symlink itself with `noFollow`. */
  utimensat(path: FsPath, times: FileTimes, { noFollow = false }: { noFollow?: boolean } = {}): void {
    const call = { syscall: 'utimensat', path };
    const flags = noFollow ? AT_SYMLINK_NOFOLLOW : 0;
    const target = this.#path.set(path, call);
    this.#check(this.#libc.utimensat(AT_FDCWD, target, this.#timespecs(times), flags), call);
  }

  /** Sets times of an open file in nanoseconds. */
  futimens(fd: number, times: FileTimes): void {
    this.#check(this.#libc.futimens(fd, this.#timespecs(times)), { syscall: 'futimens' });
  }

  /** Makes the target share all the source's blocks; false where no clone can be made. */
  ficlone(targetFd: number, sourceFd: number): boolean {
    if (this.#libc.ioctl(targetFd, FICLONE, 'int', sourceFd) === 0) return true;
    const number = this.#libc.errno();
    if (NOT_CLONABLE.has(number)) return false;
    throw posixError(number, { syscall: 'ioctl(FICLONE)' });
  }

  /**
   * Copies in the kernel from where both descriptors stand; gives the bytes copied, 0 at the end, and
   * null where it cannot be done, or failed in a way that does not tell which side did.
   */
  copyFileRange(from: number, to: number, length: number): number | null {
    const copied = this.#libc.copy_file_range(from, null, to, null, length, 0);
    if (copied >= 0) return copied;
    const number = this.#libc.errno();
    if (NOT_COPYABLE.has(number)) return null;
    throw posixError(number, { syscall: 'copy_file_range' });
  }

  /** A hint: the bytes are to be on their way to the disk by the time somebody waits for them. */
  startWriteback(fd: number, offset: number, length: number): void {
    this.#libc.sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE);
  }

  /** Where the next bytes begin at or after `offset`; null when only a hole is left. Moves the fd. */
  seekData(fd: number, offset: number): number | null {
    return this.#seek(fd, offset, SEEK_DATA);
  }

  /** Where the next hole (or the end) begins at or after `offset`; null beyond the end. Moves the fd. */
  seekHole(fd: number, offset: number): number | null {
    return this.#seek(fd, offset, SEEK_HOLE);
  }

  /** Makes a fifo, socket or device; `mode` has the type's bits, and the umask applies. */
  mknod(path: FsPath, mode: number, device: DeviceNumbers = { major: 0, minor: 0 }): void {
    const call = { syscall: 'mknod', path };
    this.#check(this.#libc.mknod(this.#path.set(path, call), mode, deviceOf(device)), call);
  }

  /** The user's name, or null. Remembered; a name looked up in the network may take its time. */
  userName(uid: number): string | null {
    return this.#accounts.user(uid);
  }

  /** The group's name, or null. Remembered. */
  groupName(gid: number): string | null {
    return this.#accounts.group(gid);
  }

  /** Renames, or fails with EEXIST where `to` is taken. */
  renameNoReplace(from: FsPath, to: FsPath): void {
    const call = { syscall: 'renameat2', path: from };
    const source = this.#path.set(from, call);
    const target = this.#secondPath.set(to, call);
    if (this.#libc.renameat2(AT_FDCWD, source, AT_FDCWD, target, RENAME_NOREPLACE) === 0) return;
    const number = this.#libc.errno();
    if (!NO_NOREPLACE.has(number)) throw posixError(number, call);
    renameByLink(from, to);
  }

  /**
   * Whether any process has the file open for writing, or mapped; null where the file system has no leases,
   * or none for this user. Until the descriptor is closed, who opens the file for writing waits.
   * @param fd open for reading only
   */
  isOpenForWriting(fd: number): boolean | null {
    const { fcntl } = this.#libc;
    // Who opens it meanwhile breaks the lease: that is told by SIGIO, of which a process would die.
    if (fcntl(fd, F_SETSIG, constants.signals.SIGURG) !== 0) return null;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) === 0) return false;
    return this.#libc.errno() === errno.EAGAIN ? true : null;
  }

  /** Nobody needs to wait any longer. */
  endLease(fd: number): void {
    this.#libc.fcntl(fd, F_SETLEASE, F_UNLCK);
  }

  /** The lock on an open file, which ends with its last descriptor. @returns false where another has it */
  tryLock(fd: number): boolean {
    if (this.#libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
    const number = this.#libc.errno();
    if (number === errno.EWOULDBLOCK) return false;
    throw posixError(number, { syscall: 'flock' });
  }

  /** The user at the other end of a connected local socket, when it connected; null where that is not told. */
  peerUid(fd: number): number | null {
    const [value, length] = [Buffer.alloc(UCRED_BYTES), Buffer.from(Uint32Array.of(UCRED_BYTES).buffer)];
    if (this.#libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0) return null;
    return new DataView(value.buffer, value.byteOffset).getUint32(UCRED_UID, endianness() === 'LE');
  }

  /** Tells the kernel how a range will be read; a `length` of 0 means to the end. */
  posixFadvise(fd: number, range: { offset: number; length: number }, advice: Advice): void {
    const number = this.#libc.posix_fadvise(fd, range.offset, range.length, ADVICE[advice]);
    if (number !== 0) throw posixError(number < 0 ? errno.ENOSYS : number, { syscall: 'posix_fadvise' });
  }

  /** Blocks until all that was written to the filesystem of `fd` is on its disk. */
  syncfs(fd: number): void {
    this.#check(this.#libc.syncfs(fd), { syscall: 'syncfs' });
  }

  /** `syncfs` without blocking this thread; `fd` must stay open until it settles. */
  async syncfsAsync(fd: number): Promise<void> {
    const number = await this.#libc.syncfsAsync(fd);
    if (number !== 0) throw posixError(number, { syscall: 'syncfs' });
  }

  #check(result: number, call: FailedCall): void {
    if (result !== 0) throw posixError(this.#libc.errno(), call);
  }

  #seek(fd: number, offset: number, whence: number): number | null {
    const found = Number(this.#libc.lseek(fd, offset, whence));
    if (found >= 0) return found;
    const number = this.#libc.errno();
    if (number === errno.ENXIO) return null;
    throw posixError(number, { syscall: 'lseek' });
  }

  #timespecs({ atimeNs, mtimeNs }: FileTimes): BigInt64Array {
    [atimeNs, mtimeNs].forEach((time, index) => this.#timespec(index * 2, time));
    return this.#times;
  }

  /** Nanoseconds count upwards also before 1970, so seconds are rounded down. */
  #timespec(at: number, time: bigint | undefined): void {
    const remainder = (time ?? 0n) % NANOSECONDS;
    const nanoseconds = remainder < 0n ? remainder + NANOSECONDS : remainder;
    this.#times[at] = ((time ?? 0n) - nanoseconds) / NANOSECONDS;
    this.#times[at + 1] = time === undefined ? UTIME_OMIT : nanoseconds;
  }
}
