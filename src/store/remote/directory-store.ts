/**
 * A directory as a remote: another disk, NFS, anything mounted. A blob is written in `.hkfs-tmp`, gets on
 * the disk, and then its name, which is never given twice: so a name that is there has its bytes, also
 * after a power cut. Contents wait for their names until many can share one sync; all else is synced
 * alone and named at once, because it matters who is first.
 */
import * as fs from 'node:fs';
import { errnoOf, HkfsError, isHkfsError } from '../../errors.js';
import { Below } from '../../fs/below.js';
import { fsyncDirectory, WrittenFilesystem } from '../../fs/durable.js';
import { failpoint } from '../../fs/failpoints.js';
import { makeDirectory } from '../../fs/make-directory.js';
import { joinPath, parentPath, realPath, toFsPath } from '../../fs/names.js';
import { loadPosix, type Posix } from '../../fs/posix.js';
import { Session, sweepSessions } from '../../fs/session.js';
import { settling } from '../../fs/settling.js';
import { bodySize, checkBlobName, isContentName } from './blob-names.js';
import type {
  BlobBody,
  BlobFiles,
  BlobInfo,
  BlobStore,
  Namer,
  ReadRange,
  TransferOptions,
} from './blob-store.js';
import { MAX_READ, refuseLonger } from './bounds.js';
import { copyFile, writeBody } from './copy-file.js';
import { directoryError, notAFile } from './directory-errors.js';
import { listDirectory } from './directory-list.js';
import { nameWithoutReplacing } from './directory-names.js';

const TEMPORARIES = '.hkfs-tmp';
/** So many contents share one sync; a kill costs no more than these. */
const BATCH_BLOBS = 16_384;
const BATCH_BYTES = 512 << 20;
/** Threads that make files in one directory wait for each other: those that follow each other share one. */
const PER_FOLDER = 128;
const FOLDERS = 16;
/** How often others may remove the folder of temporaries while a session begins. */
const ATTEMPTS = 100;
/** After so long a temporary counts as left behind of which nothing else is known. */
const STALE_MS = 14 * 24 * 3600_000;
const DIRECTORY_MODE = 0o700;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** A content that has all its bytes and not yet its name. */
interface Pending {
  readonly name: string;
  readonly temporary: string;
  readonly size: number;
}

export interface DirectoryStoreOptions {
  /** Make the directory where there is none. */
  readonly create?: boolean;
  /** What the user wrote. */
  readonly url?: string;
}

export class DirectoryStore implements BlobStore {
  readonly kind = 'directory';
  readonly concurrency = 8;
  readonly url: string;
  readonly files: BlobFiles = {
    path: (name) => joinPath(this.root, name),
    newTemporary: () => this.newTemporary(),
    nameBy: (namer) => {
      this.namer = namer;
    },
    keep: (name, temporary, size) => this.keep({ name, temporary, size }),
  };
  private namer: Namer | null = null;
  private readonly root: string;
  private readonly below: Below;
  private readonly filesystem: WrittenFilesystem;
  private readonly pending = new Map<string, Pending>();
  private pendingBytes = 0;
  /** Those of the pending whose batch is on its way. */
  private readonly started = new WeakSet<Pending>();
  /** Directories that are known to be there. */
  private readonly made = new Set<string>();
  private naming: Promise<void> = Promise.resolve();
  private session: Session | null = null;
  private temporaries = 0;
  private posixCalls: Posix | null | undefined;

  private constructor(root: string, url: string) {
    this.root = root;
    this.url = url;
    this.below = new Below(root);
    this.filesystem = new WrittenFilesystem(root);
  }

  /** @throws HkfsError REMOTE_UNREACHABLE, NOT_A_DIRECTORY, NO_PERMISSION and what else keeps it from use */
  static open(path: string, options: DirectoryStoreOptions = {}): DirectoryStore {
    try {
      if (options.create === true) makeDirectory(path, DIRECTORY_MODE);
      const root = realPath(path);
      if (!fs.statSync(toFsPath(root)).isDirectory())
        throw new HkfsError('NOT_A_DIRECTORY', `${path} is no directory`, { hint: 'name a directory' });
      return new DirectoryStore(root, options.url ?? path);
    } catch (error) {
      throw directoryError(causeOf(error), path);
    }
  }

  async create(name: string, body: BlobBody, options: TransferOptions = {}): Promise<'created' | 'exists'> {
    checkBlobName(name);
    options.signal?.throwIfAborted();
    try {
      if (this.pending.has(name) || this.lookUp(name) !== null) return 'exists';
      const temporary = this.newTemporary();
      await this.write(temporary, body, options);
      if (isContentName(name)) {
        // Another create of the same content may have come first meanwhile.
        if (this.pending.has(name)) return this.dropped(temporary);
        await this.wait({ name, temporary, size: bodySize(body) });
        return 'created';
      }
      return this.nameNow(name, temporary);
    } catch (error) {
      throw directoryError(error, this.root);
    }
  }

  async flush(): Promise<void> {
    try {
      await this.nameBatch();
      await this.naming;
      await this.filesystem.sync(this.posix());
      failpoint('remote.flushed');
    } catch (error) {
      throw directoryError(error, this.root);
    }
  }

  async read(name: string, range: ReadRange = {}): Promise<Buffer | undefined> {
    checkBlobName(name);
    try {
      const fd = this.openBlob(name);
      if (fd === undefined) return undefined;
      try {
        return readRange(fd, name, range);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw directoryError(error, joinPath(this.root, name));
    }
  }

  async download(name: string, file: string, options: TransferOptions = {}): Promise<boolean> {
    checkBlobName(name);
    const info = await this.stat(name);
    if (info === undefined) return false;
    refuseLonger(name, info.size, options.max ?? Infinity);
    const source = this.pending.get(name)?.temporary ?? this.locate(name);
    try {
      await copyFile({ from: source, to: file, size: info.size }, { ...options, posix: this.posix() });
      return true;
    } catch (error) {
      throw directoryError(error, file);
    }
  }

  async stat(name: string): Promise<BlobInfo | undefined> {
    checkBlobName(name);
    const waiting = this.pending.get(name);
    if (waiting) return { name, size: waiting.size };
    try {
      const stat = this.lookUp(name);
      return stat === null ? undefined : { name, size: stat.size };
    } catch (error) {
      throw directoryError(error, joinPath(this.root, name));
    }
  }

  async *list(prefix: string, after = ''): AsyncGenerator<BlobInfo> {
    try {
      await this.nameBatch();
      await this.naming;
      yield* listDirectory(this.root, { prefix, after });
    } catch (error) {
      throw directoryError(error, this.root);
    }
  }

  async remove(name: string): Promise<void> {
    checkBlobName(name);
    try {
      await this.nameBatch();
      await this.naming;
      if (this.lookUp(name) !== null) fs.unlinkSync(this.locate(name));
    } catch (error) {
      throw directoryError(error, joinPath(this.root, name));
    }
  }

  async free(): Promise<number | undefined> {
    const { bavail, bsize } = fs.statfsSync(toFsPath(this.root));
    return bavail * bsize;
  }

  /** What was created and not flushed may have no name yet, and then goes. */
  async close(): Promise<void> {
    await this.naming.catch(() => undefined);
    this.below.close();
    this.filesystem.close();
    if (this.session === null) return;
    this.session.end();
    this.session = null;
    try {
      fs.rmdirSync(toFsPath(joinPath(this.root, TEMPORARIES)));
    } catch (error) {
      // Another hkfs has temporaries there as well, or was the last to go.
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  /** Files are written and read as far as this thread may be kept; the path is good until the next call. */
  private locate(name: string): string {
    const path = joinPath(this.root, name);
    return joinPath(this.below.directory(parentPath(path)), path.slice(path.lastIndexOf('/') + 1));
  }

  /** The file of a blob, or null where none of this name is. @throws HkfsError REMOTE_DAMAGED */
  private lookUp(name: string): fs.Stats | null {
    let stat: fs.Stats | undefined;
    try {
      stat = fs.lstatSync(this.locate(name), { throwIfNoEntry: false });
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return this.whileRootIsThere();
      throw error;
    }
    if (stat === undefined) return null;
    if (!stat.isFile()) throw notAFile(joinPath(this.root, name));
    return stat;
  }

  /** A disk that was unmounted is no empty remote. */
  private whileRootIsThere(): null {
    fs.statSync(toFsPath(this.root));
    return null;
  }

  private openBlob(name: string): number | undefined {
    const waiting = this.pending.get(name);
    if (waiting === undefined && this.lookUp(name) === null) return undefined;
    const path = waiting?.temporary ?? this.locate(name);
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  private async write(temporary: string, body: BlobBody, options: TransferOptions): Promise<void> {
    failpoint('remote.write');
    try {
      if (body instanceof Uint8Array) {
        await options.throttle?.take(body.length, options.signal);
        writeBody(temporary, body, options);
      } else
        await copyFile(
          { from: body.file, to: temporary, size: body.size, hash: body.hash },
          { ...options, posix: this.posix() },
        );
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
    failpoint('remote.written');
  }

  private async keep(blob: Pending): Promise<void> {
    try {
      if (this.pending.has(blob.name)) this.dropped(blob.temporary);
      else await this.wait(blob);
    } catch (error) {
      throw directoryError(error, this.root);
    }
  }

  private async wait(blob: Pending): Promise<void> {
    this.pending.set(blob.name, blob);
    this.pendingBytes += blob.size;
    if (this.pending.size < BATCH_BLOBS && this.pendingBytes < BATCH_BYTES) return;
    await this.nameBatch();
  }

  /** Begins to name what waits; waits only for the batch before, so that a sync goes on beside new writes. */
  private async nameBatch(): Promise<void> {
    const batch = [...this.pending.values()].filter((blob) => !this.started.has(blob));
    if (batch.length === 0) return;
    for (const blob of batch) this.started.add(blob);
    this.pendingBytes = 0;
    const before = this.naming;
    this.naming = before.then(() => settling(() => this.syncAndName(batch)));
    this.naming.catch(() => undefined);
    await before;
  }

  private async syncAndName(batch: readonly Pending[]): Promise<void> {
    await this.filesystem.sync(this.posix());
    failpoint('remote.synced');
    if (this.namer) await this.nameByThreads(this.namer, batch);
    else for (const { name, temporary } of batch) this.giveName(name, temporary);
    for (const { name } of batch) this.pending.delete(name);
    failpoint('remote.named');
  }

  private async nameByThreads(namer: Namer, batch: readonly Pending[]): Promise<void> {
    const items = batch.map(({ name, temporary }) => ({ from: temporary, to: joinPath(this.root, name) }));
    for (const directory of new Set(items.map(({ to }) => parentPath(to)))) this.makeDirectory(directory);
    for (const index of await namer(items)) this.dropped(items[index]!.from);
  }

  private nameNow(name: string, temporary: string): 'created' | 'exists' {
    const fd = fs.openSync(temporary, O_RDONLY);
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    failpoint('remote.synced');
    const outcome = this.giveName(name, temporary);
    failpoint('remote.named');
    if (outcome === 'created') fsyncDirectory(parentPath(joinPath(this.root, name)));
    return outcome;
  }

  private giveName(name: string, temporary: string): 'created' | 'exists' {
    const directory = parentPath(joinPath(this.root, name));
    this.makeDirectory(directory);
    const isNew = nameWithoutReplacing(temporary, this.locate(name), this.posix());
    return isNew ? 'created' : this.dropped(temporary);
  }

  private dropped(temporary: string): 'exists' {
    fs.rmSync(temporary, { force: true });
    return 'exists';
  }

  private makeDirectory(path: string): void {
    if (path === this.root || this.made.has(path)) return;
    this.makeDirectory(parentPath(path));
    try {
      fs.mkdirSync(toFsPath(path), DIRECTORY_MODE);
      fsyncDirectory(parentPath(path));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    this.below.directory(path);
    this.made.add(path);
  }

  private newTemporary(): string {
    this.session ??= this.beginSession();
    const number = this.temporaries++;
    const folder = `${this.session.path}/${Math.floor(number / PER_FOLDER) % FOLDERS}`;
    if (number % PER_FOLDER === 0 && number < PER_FOLDER * FOLDERS) fs.mkdirSync(folder, DIRECTORY_MODE);
    return `${folder}/${number}`;
  }

  /** Whoever ends removes the folder of temporaries if it is empty: then it is made again. */
  private beginSession(): Session {
    const folder = joinPath(this.root, TEMPORARIES);
    for (let attempt = 1; ; attempt += 1)
      try {
        this.made.delete(folder);
        this.makeDirectory(folder);
        sweepSessions(folder, this.posix(), STALE_MS);
        return Session.begin(folder, this.posix(), DIRECTORY_MODE);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || attempt >= ATTEMPTS) throw error;
      }
  }

  private posix(): Posix | null {
    this.posixCalls ??= loadPosix();
    return this.posixCalls;
  }
}

function readRange(fd: number, name: string, range: ReadRange): Buffer {
  const { size } = fs.fstatSync(fd);
  const offset = Math.min(range.offset ?? 0, size);
  const left = size - offset;
  if (range.length === undefined) refuseLonger(name, left, range.max ?? MAX_READ);
  const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(range.length ?? left, left)));
  let done = 0;
  while (done < bytes.length) {
    const length = fs.readSync(fd, bytes, done, bytes.length - done, offset + done);
    if (length === 0) break;
    done += length;
  }
  return bytes.subarray(0, done);
}

/** Where no directory can be made for ENOENT, the disk is not there. */
function causeOf(error: unknown): unknown {
  if (!isHkfsError(error, 'BAD_TARGET')) return error;
  return errnoOf(error.cause) === 'ENOENT' ? error.cause : error;
}
