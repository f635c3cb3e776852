/**
 * The one door to LevelDB. Its `LEVEL_*` codes become errors that people can act on; everything
 * that is not named here propagates.
 */
import { ClassicLevel } from 'classic-level';
import { HkfsError, isHkfsError } from '../errors.js';
import { levelProblem } from './level-files.js';

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
  readonly damage?: Damage;
}

/** What damage of a LevelDB is called: that of views is never the log's, because they are made again. */
export type Damage = 'LOG_DAMAGED' | 'VIEWS_DAMAGED';

export const WAY_OUT: Readonly<Record<Damage, string>> = {
  LOG_DAMAGED: 'restore .hkfs/log from a copy of the archive',
  VIEWS_DAMAGED: 'run `hkfs replay`: it builds the views again from the log',
};

/**
 * @throws HkfsError ARCHIVE_HELD when another process has it open, LOG_DAMAGED when LevelDB finds
 * its files corrupt, NO_SPACE / READ_ONLY / NO_PERMISSION where the file system refuses.
 */
export async function openLevel(location: string, options: LevelOptions = {}): Promise<Level> {
  refuseDamaged(location, options.damage ?? 'LOG_DAMAGED');
  const level: Level = new ClassicLevel<Buffer, Buffer>(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  try {
    const { damage: _damage, ...given } = options;
    await level.open({ createIfMissing: false, writeBufferSize: 4 << 20, ...given });
  } catch (error) {
    throw explainLevelError(error, location, options.damage);
  }
  return level;
}

function refuseDamaged(location: string, damage: Damage): void {
  const problem = levelProblem(location);
  if (problem === null) return;
  throw new HkfsError(damage, `a file of ${location} is damaged: ${problem}`, { hint: WAY_OUT[damage] });
}

/** The error that LevelDB meant, by its code and, for I/O errors, by what its text names. */
export function explainLevelError(error: unknown, location: string, damage: Damage = 'LOG_DAMAGED'): unknown {
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
    return new HkfsError(damage, `LevelDB finds ${location} damaged: ${text}`, {
      hint: WAY_OUT[damage],
      cause: error,
    });
  // A file that was cut short cannot be mapped (EINVAL), and one of another kind cannot be read (EISDIR).
  if (code === 'LEVEL_IO_ERROR' && /Invalid argument|Is a directory|Not a directory/.test(text))
    return new HkfsError(damage, `LevelDB cannot read ${location}: ${text}`, {
      hint: WAY_OUT[damage],
      cause: error,
    });
  if (code === 'LEVEL_IO_ERROR')
    return new HkfsError('IO_ERROR', `input/output error in ${location}: ${text}`, { cause: error });
  return error;
}

/** Whether an error is LevelDB's own, and not yet in words. */
export function isLevelError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('LEVEL_');
}

/**
 * Whether what failed is a LevelDB that cannot be read, whatever is wrong with it: its bytes, its files or
 * the disk below. Not where nothing is wrong with it: it is held, or there is no room, right or handle.
 */
export function isUnreadable(error: unknown): boolean {
  if (isHkfsError(error, 'LOG_DAMAGED') || isHkfsError(error, 'VIEWS_DAMAGED')) return true;
  const explained = explainLevelError(error, '');
  if (isHkfsError(explained, 'IO_ERROR'))
    return !/Too many open files|Cannot allocate/.test(explained.message);
  return isHkfsError(explained, 'LOG_DAMAGED') || isHkfsError(explained, 'VIEWS_DAMAGED');
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
