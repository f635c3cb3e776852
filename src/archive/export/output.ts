/** Where an export goes: a file that has its name only when it is whole, or what takes bytes as they come. */
import * as fs from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { errnoOf, HkfsError, isHkfsError } from '../../errors.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { fsyncDirectory } from '../../fs/durable.js';
import { describeFsError } from '../../fs/errors.js';
import { failpoint } from '../../fs/failpoints.js';
import { openRoot, withoutDescriptors } from '../../fs/held-directories.js';
import { baseName, joinPath, parentPath, realPath, toFsPath } from '../../fs/names.js';
import { OwnPlaces, refuseOwnPlace } from '../own-places.js';

export interface Output {
  /** The bytes may be written over once it has settled. */
  write(bytes: Uint8Array): Promise<void>;
  /** All was written. */
  finish(): Promise<void>;
  /** It never will be: nothing stays, or, where bytes are gone already, they end with the last words. */
  abort(lastWords: Uint8Array | null): Promise<void>;
}

export interface OutputPlan {
  readonly path: string;
  /** A device or a fifo: written to as it is. */
  readonly isDirect: boolean;
  /** Something is there whose bytes go. */
  readonly replaces: boolean;
}

const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
/** What is exported may have been its owner's alone. */
const MODE = 0o600;

/** @throws HkfsError BAD_PATH, BAD_TARGET, before anything is touched */
export function planOutput(root: string, file: string): OutputPlan {
  if (file.includes('\0'))
    throw new HkfsError('BAD_PATH', `${JSON.stringify(file)} is no file`, { hint: 'name one with -o' });
  const path = absolutePath(file);
  const stat = statOrNull(path);
  if (stat?.isDirectory()) throw badTarget(path, 'is a directory', 'name a file in it');
  if (stat?.isSocket()) throw badTarget(path, 'is a socket', 'name another file');
  if (stat !== null && !stat.isFile()) return { path, isDirect: true, replaces: stat.isBlockDevice() };
  if (stat === null && fs.lstatSync(toFsPath(path), { throwIfNoEntry: false }))
    throw badTarget(path, 'is a symlink to nothing', 'name a file');
  if (statOrNull(parentPath(path))?.isDirectory() !== true)
    throw badTarget(parentPath(path), 'is no directory', 'make it first');
  const real = stat ? realPath(path) : joinPath(realPath(parentPath(path)), baseName(path));
  refuseOwnPlace(new OwnPlaces(root), real);
  return { path: real, isDirect: false, replaces: stat !== null };
}

function statOrNull(path: string): fs.Stats | null {
  try {
    return fs.statSync(toFsPath(path));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw describeFsError(error, path);
  }
}

function badTarget(path: string, what: string, hint: string): HkfsError {
  return new HkfsError('BAD_TARGET', `${path} ${what}`, { hint });
}

/** @throws HkfsError NO_PERMISSION and its kin */
export async function openOutput({ path, isDirect }: OutputPlan): Promise<Output> {
  let directory: Directory | null = null;
  try {
    if (isDirect) return new FileOutput(await open(toFsPath(path), O_WRONLY), path, null);
    directory = holdDirectory(parentPath(path));
    const name = `.hkfs-export-${process.pid}-${randomBytes(4).toString('hex')}`;
    failpoint('export.open');
    const flags = O_WRONLY | O_CREAT | O_EXCL;
    const handle = await open(toFsPath(joinPath(directory.path, name)), flags, MODE);
    return new FileOutput(handle, path, { directory, name });
  } catch (error) {
    directory?.close();
    const described = describeFsError(error, path);
    if (isHkfsError(described) || errnoOf(error) === undefined) throw described;
    const message = withoutDescriptors((error as Error).message);
    throw badTarget(path, `cannot be written to: ${message}`, 'name another file');
  }
}

/** What the file is made in. */
interface Directory {
  /** Leads to it, whatever takes its place meanwhile. */
  readonly path: string;
  close(): void;
}

function holdDirectory(path: string): Directory {
  const held = openRoot(path, { isReal: true });
  if (held === null) return { path, close: () => undefined };
  return { path: `/proc/self/fd/${held.fd}/.`, close: () => fs.closeSync(held.fd) };
}

interface Temporary {
  readonly directory: Directory;
  readonly name: string;
}

class FileOutput implements Output {
  private readonly handle: FileHandle;
  private readonly path: string;
  private readonly temporary: Temporary | null;

  constructor(handle: FileHandle, path: string, temporary: Temporary | null) {
    this.handle = handle;
    this.path = path;
    this.temporary = temporary;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      failpoint('export.write');
      for (let done = 0; done < bytes.length;)
        done += (await this.handle.write(bytes, done, bytes.length - done)).bytesWritten;
    } catch (error) {
      throw describeFsError(error, this.path);
    }
  }

  /** Bytes first, then the name: a power cut leaves the whole file or none of this name. */
  async finish(): Promise<void> {
    try {
      if (this.temporary !== null) await this.handle.sync();
      await this.handle.close();
      failpoint('export.written');
      if (this.temporary === null) return;
      const { directory, name } = this.temporary;
      const target = joinPath(directory.path, baseName(this.path));
      fs.renameSync(toFsPath(joinPath(directory.path, name)), toFsPath(target));
      failpoint('export.named');
      fsyncDirectory(directory.path);
      directory.close();
    } catch (error) {
      throw describeFsError(error, this.path);
    }
  }

  async abort(lastWords: Uint8Array | null): Promise<void> {
    if (this.temporary === null && lastWords !== null) await this.write(lastWords).catch(() => {});
    await this.handle.close().catch(() => {});
    if (this.temporary === null) return;
    const { directory, name } = this.temporary;
    fs.rmSync(toFsPath(joinPath(directory.path, name)), { force: true });
    directory.close();
  }
}

/** What takes bytes as they come. */
export function outputTo(write: (bytes: Uint8Array) => Promise<void>): Output {
  return {
    write: async (bytes) => {
      try {
        failpoint('export.write');
        await write(bytes);
      } catch (error) {
        throw describeFsError(error, 'the output');
      }
    },
    finish: () => Promise.resolve(),
    abort: async (lastWords) => {
      if (lastWords !== null) await write(lastWords).catch(() => {});
    },
  };
}
