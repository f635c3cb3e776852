/**
 * The one door to LevelDB. Its `LEVEL_*` codes become errors that people can act on; everything
 * that is not named here propagates.
 */
import { ClassicLevel } from 'classic-level';
import { HkfsError } from '../errors.js';

export type Level = ClassicLevel<Buffer, Buffer>;
export interface LevelPut {
  readonly type: 'put';
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface LevelDel {
  readonly type: 'del';
  readonly key: Buffer;
}
export type LevelChange = LevelPut | LevelDel;

export interface LevelOptions {
  readonly createIfMissing?: boolean;
  /** Bytes of a memtable before it becomes a table file. */
  readonly writeBufferSize?: number;
}

/**
 * @throws HkfsError ARCHIVE_HELD when another process has it open, LOG_DAMAGED when LevelDB finds
 * its files corrupt, NO_SPACE / READ_ONLY / NO_PERMISSION where the file system refuses.
 */
export async function openLevel(location: string, options: LevelOptions = {}): Promise<Level> {
  const level: Level = new ClassicLevel<Buffer, Buffer>(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  try {
    await level.open({ createIfMissing: false, writeBufferSize: 4 << 20, ...options });
  } catch (error) {
    throw explainLevelError(error, location);
  }
  return level;
}

/** The error that LevelDB meant, by its code and, for I/O errors, by what its text names. */
export function explainLevelError(error: unknown, location: string): unknown {
  const { code, text } = codeAndText(error);
  if (code === 'LEVEL_LOCKED' || /lock .*(LOCK|already held)/.test(text))
    return new HkfsError('ARCHIVE_HELD', 'the archive is held by another process', { cause: error });
  if (/No space left|Disk quota/i.test(text))
    return new HkfsError('NO_SPACE', `no space left for ${location}`, {
      hint: 'make room on the file system of the archive and run the same command again',
      cause: error,
    });
  if (/Read-only file system/i.test(text))
    return new HkfsError('READ_ONLY', `the file system of ${location} is read-only`, {
      hint: 'remount it writable, or copy the archive elsewhere',
      cause: error,
    });
  if (/Permission denied/i.test(text))
    return new HkfsError('NO_PERMISSION', `no permission to open ${location}`, {
      hint: 'run as the owner of the archive',
      cause: error,
    });
  if (code === 'LEVEL_CORRUPTION' || /Corruption|No such file|does not exist \(create_if_missing/.test(text))
    return new HkfsError('LOG_DAMAGED', `LevelDB finds ${location} damaged: ${text}`, { cause: error });
  if (code === 'LEVEL_IO_ERROR')
    return new HkfsError('IO_ERROR', `input/output error in ${location}: ${text}`, { cause: error });
  return error;
}

/** LevelDB read bytes that it did not write, in a table that it had opened without complaint. */
export function isCorruption(error: unknown): boolean {
  return codeAndText(error).code === 'LEVEL_CORRUPTION';
}

/** Flushes the memtable to a table, so that the next open has no write-ahead log to replay. */
export async function flushLevel(level: Level): Promise<void> {
  const nothing = Buffer.from([0xff, 0xff]);
  await level.compactRange(nothing, nothing);
}

function codeAndText(error: unknown): { code: string | undefined; text: string } {
  const texts: string[] = [];
  let code: string | undefined;
  for (
    let at: unknown = error;
    typeof at === 'object' && at !== null;
    at = (at as { cause?: unknown }).cause
  ) {
    const { code: own, message } = at as { code?: unknown; message?: unknown };
    if (typeof own === 'string' && own !== 'LEVEL_DATABASE_NOT_OPEN') code = own;
    if (typeof message === 'string') texts.push(message);
  }
  return { code, text: texts.join(': ') };
}
