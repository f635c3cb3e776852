import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { text } from 'node:stream/consumers';

import { HkfsError, errnoOf } from '../errors.js';
import { childEnvironment } from './child-environment.js';
import { failpoint } from './failpoints.js';
import { joinPath, parentPath, toFsPath } from './names.js';
import type { Posix } from './posix.js';

const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * A filesystem that is written to. The kernel tells of a write that failed (from Linux 5.8 on) once to each
 * descriptor that was open when it failed; one that is opened later hears nothing of what anybody else was
 * told. So this is made before the first write, and kept until the last sync.
 */
export class WrittenFilesystem {
  readonly #fd: number;
  #failure: unknown;
  #isOpen = true;

  /** @param directory any on it. @throws the errno of opening it */
  constructor(directory: string) {
    this.#fd = openSync(toFsPath(directory), OPEN_DIRECTORY);
  }

  /**
   * Resolves once all that was written is on the disk. Where that failed once, it fails for ever: the
   * kernel has given up what it could not write.
   * @throws HkfsError IO_ERROR when neither syncfs nor `sync -f` is to be had; the errno of a failed syncfs
   */
  async sync(posix: Posix | null): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await (posix ? syncOrSpawn(this.#fd, posix) : spawnSync(this.#fd));
      failpoint('filesystem.sync');
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** After the last sync has settled. */
  close(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }
}

/** All that one piece of work writes to, by device. */
export class WrittenFilesystems {
  readonly #known = new Map<bigint, WrittenFilesystem>();

  /** Before the first write to it. */
  add(directory: string, device: bigint): void {
    if (!this.#known.has(device)) this.#known.set(device, new WrittenFilesystem(directory));
  }

  async sync(posix: Posix | null): Promise<void> {
    for (const filesystem of this.#known.values()) await filesystem.sync(posix);
  }

  close(): void {
    for (const filesystem of this.#known.values()) filesystem.close();
  }
}

async function syncOrSpawn(fd: number, posix: Posix): Promise<void> {
  try {
    await posix.syncfsAsync(fd);
  } catch (error) {
    if (errnoOf(error) !== 'ENOSYS') throw error;
    await spawnSync(fd);
  }
}

/**
 * The child gets the directory as its fd 3, so that no name needs to pass through its arguments. It opens it
 * anew, and so does not hear of a failed write that somebody else was told of.
 */
async function spawnSync(fd: number): Promise<void> {
  const child = spawn('sync', ['-f', '/dev/fd/3'], {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    env: childEnvironment(),
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `ended with ${code ?? signal}`));
  });
  const complaint = child.stderr ? text(child.stderr) : '';
  const failure = await ended;
  if (failure === '') return;
  throw new HkfsError(
    'IO_ERROR',
    `cannot sync the filesystem: sync -f: ${failure} ${await complaint}`.trim(),
    {
      hint: 'Install koffi for this platform, or a sync command that knows -f.',
    },
  );
}

/** Makes the names in a directory durable. */
export function fsyncDirectory(path: string): void {
  const fd = openSync(toFsPath(path || '.'), OPEN_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some network and FUSE filesystems cannot sync a directory: nothing more can be done there.
    if (errnoOf(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(fd);
  }
}

/** A name that nobody else gives to anything, for what gets its own name later or none. */
export function temporaryIn(directory: string): string | Buffer {
  return toFsPath(joinPath(directory, `.${randomUUID()}.tmp`));
}

/**
 * Replaces or makes a small file so that after a power cut it is wholly the old or wholly the new
 * one. Errors of node:fs pass through, and leave no temporary file.
 */
export function writeFileDurably(path: string, bytes: Uint8Array, mode: number): void {
  const directory = parentPath(path);
  const staged = temporaryIn(directory);
  try {
    writeAndSync(staged, bytes, mode);
    renameSync(staged, toFsPath(path));
  } catch (error) {
    unlinkIfThere(staged);
    throw error;
  }
  fsyncDirectory(directory);
}

/**
 * Makes a small file that is not there yet, whole before it counts.
 * Errors of node:fs pass through: EEXIST leaves what is there, any other leaves nothing.
 */
export function createFileDurably(path: string, bytes: Uint8Array, mode: number): void {
  try {
    writeAndSync(toFsPath(path), bytes, mode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') unlinkIfThere(toFsPath(path));
    throw error;
  }
  fsyncDirectory(parentPath(path));
}

function writeAndSync(path: string | Buffer, bytes: Uint8Array, mode: number): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(fd, bytes);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function unlinkIfThere(path: string | Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
