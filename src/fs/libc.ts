// oxlint-disable max-params -- these are C's own parameter lists.
import { createRequire } from 'node:module';
import { constants } from 'node:os';

import type * as Koffi from 'koffi';

/** Pointers are typed arrays whose length the caller of this interface has made sure of. */
type Memory = Uint8Array | BigInt64Array | BigUint64Array;

/**
 * The functions of the C library that Node lacks, with their own names and results: -1 (or for
 * getpwuid_r, getgrgid_r and posix_fadvise the error number) on failure, then `errno()`. One that
 * the library does not have fails with ENOSYS.
 */
export interface Libc {
  readonly errno: () => number;
  /** The text behind a `char *` that stands at the start of `memory`. */
  readonly stringAt: (memory: Uint8Array) => string;
  readonly llistxattr: (path: Memory, list: Memory, size: number) => number;
  readonly lgetxattr: (path: Memory, name: Memory, value: Memory, size: number) => number;
  readonly lsetxattr: (path: Memory, name: Memory, value: Memory, size: number, flags: number) => number;
  readonly lremovexattr: (path: Memory, name: Memory) => number;
  readonly listxattr: (path: Memory, list: Memory, size: number) => number;
  readonly setxattr: (path: Memory, name: Memory, value: Memory, size: number, flags: number) => number;
  readonly removexattr: (path: Memory, name: Memory) => number;
  readonly utimensat: (directory: number, path: Memory, times: Memory, flags: number) => number;
  readonly futimens: (fd: number, times: Memory) => number;
  readonly ioctl: (fd: number, request: number, type: 'int', argument: number) => number;
  readonly fcntl: (fd: number, command: number, argument: number) => number;
  readonly lseek: (fd: number, offset: number, whence: number) => number | bigint;
  /** Null offsets: from and to where the descriptors stand. */
  readonly copy_file_range: (
    from: number,
    fromOffset: null,
    to: number,
    toOffset: null,
    length: number,
    flags: number,
  ) => number;
  readonly mknod: (path: Memory, mode: number, device: bigint) => number;
  readonly renameat2: (
    fromDirectory: number,
    from: Memory,
    toDirectory: number,
    to: Memory,
    flags: number,
  ) => number;
  readonly posix_fadvise: (fd: number, offset: number, length: number, advice: number) => number;
  readonly sync_file_range: (fd: number, offset: number, length: number, flags: number) => number;
  readonly syncfs: (fd: number) => number;
  /** syncfs on another thread; resolves to the error number, 0 for success. */
  readonly syncfsAsync: (fd: number) => Promise<number>;
  readonly flock: (fd: number, operation: number) => number;
  readonly getsockopt: (fd: number, level: number, name: number, value: Memory, length: Memory) => number;
  /** For system calls that no C library has a function of: openat2. */
  readonly syscall: (number: number, fd: number, path: Memory, how: Memory, size: number) => number | bigint;
  readonly close: (fd: number) => number;
  readonly _exit: (status: number) => void;
  readonly getpwuid_r: (uid: number, record: Memory, text: Memory, size: number, result: Memory) => number;
  readonly getgrgid_r: (gid: number, record: Memory, text: Memory, size: number, result: Memory) => number;
}

/** glibc, then musl as Alpine and others call it. */
const LIBRARIES = [
  'libc.so.6',
  `libc.musl-${{ x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch}.so.1`,
];

const PROTOTYPES = {
  llistxattr: 'intptr_t llistxattr(const void *path, void *list, size_t size)',
  lgetxattr: 'intptr_t lgetxattr(const void *path, const void *name, void *value, size_t size)',
  lsetxattr: 'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
  lremovexattr: 'int lremovexattr(const void *path, const void *name)',
  listxattr: 'intptr_t listxattr(const void *path, void *list, size_t size)',
  setxattr: 'int setxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
  removexattr: 'int removexattr(const void *path, const void *name)',
  utimensat: 'int utimensat(int directory, const void *path, const void *times, int flags)',
  futimens: 'int futimens(int fd, const void *times)',
  ioctl: 'int ioctl(int fd, unsigned long request, ...)',
  // Its argument is passed as any other on 64-bit processors, and naming its type once halves the call's cost.
  fcntl: 'int fcntl(int fd, int command, int64_t argument)',
  lseek: 'int64_t lseek(int fd, int64_t offset, int whence)',
  copy_file_range:
    'intptr_t copy_file_range(int from, void *from_offset, int to, void *to_offset, size_t length, unsigned int flags)',
  renameat2:
    'int renameat2(int from_directory, const void *from, int to_directory, const void *to, unsigned int flags)',
  posix_fadvise: 'int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)',
  sync_file_range: 'int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)',
  syncfs: 'int syncfs(int fd)',
  flock: 'int flock(int fd, int operation)',
  getsockopt: 'int getsockopt(int fd, int level, int name, void *value, void *length)',
  // Variadic in C as well, and as fcntl above: on 64-bit processors its arguments are passed as any others.
  syscall: 'int64_t syscall(int64_t number, int64_t fd, const void *path, const void *how, size_t size)',
  close: 'int close(int fd)',
  _exit: 'void _exit(int status)',
  getpwuid_r: 'int getpwuid_r(uint32_t uid, void *record, void *text, size_t size, void *result)',
  getgrgid_r: 'int getgrgid_r(uint32_t gid, void *record, void *text, size_t size, void *result)',
} as const;

const MKNOD = 'int mknod(const void *path, uint32_t mode, uint64_t device)';
/** What glibc before 2.33 has instead; its version argument is 0 on 64-bit systems. */
const OLD_MKNOD = 'int __xmknod(int version, const void *path, uint32_t mode, const void *device)';

/**
 * Loads koffi and the C library: about 10 ms the first time in a process. Null where either is
 * missing, and off 64-bit Linux, whose structures and constants these calls use.
 */
export function loadLibc(): Libc | null {
  if (process.platform !== 'linux') return null;
  const koffi = requireKoffi();
  const library = koffi && openLibrary(koffi);
  if (!koffi || !library || koffi.sizeof('long') !== 8) return null;
  const functions = Object.fromEntries(
    Object.entries(PROTOTYPES).map(([name, prototype]) => [name, bind(koffi, library, prototype)]),
  );
  return {
    ...(functions as unknown as Libc),
    mknod: bindMknod(koffi, library),
    errno: () => koffi.errno(),
    stringAt: (memory) => koffi.decode(memory, 'str') as string,
    syncfsAsync: asyncSyncfs(koffi, library),
  };
}

/** The one door to koffi; null where it is not installed, or has no binary for this system. */
export function requireKoffi(): typeof Koffi | null {
  try {
    return createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch {
    return null;
  }
}

function openLibrary(koffi: typeof Koffi): Koffi.LibraryHandle | null {
  for (const name of LIBRARIES) {
    try {
      return koffi.load(name, {});
    } catch {
      // The other C library, then.
    }
  }
  return null;
}

function bind(koffi: typeof Koffi, library: Koffi.LibraryHandle, prototype: string): unknown {
  try {
    return library.func(prototype);
  } catch {
    return () => {
      koffi.errno(constants.errno.ENOSYS);
      return -1;
    };
  }
}

function bindMknod(koffi: typeof Koffi, library: Koffi.LibraryHandle): Libc['mknod'] {
  try {
    return library.func(MKNOD);
  } catch {
    const mknod = bind(koffi, library, OLD_MKNOD) as (...args: unknown[]) => number;
    return (path, mode, device) => mknod(0, path, mode, new BigUint64Array([device]));
  }
}

function asyncSyncfs(koffi: typeof Koffi, library: Koffi.LibraryHandle): Libc['syncfsAsync'] {
  const syncfs = bind(koffi, library, PROTOTYPES.syncfs) as Koffi.KoffiFunc<Libc['syncfs']>;
  return async (fd) => {
    if (!syncfs.async) return constants.errno.ENOSYS;
    return new Promise((resolve, reject) => {
      syncfs.async(fd, (error, result) => {
        if (error) reject(error);
        // koffi keeps errno per call: inside the callback it is this call's own.
        else resolve(result === 0 ? 0 : koffi.errno());
      });
    });
  };
}
