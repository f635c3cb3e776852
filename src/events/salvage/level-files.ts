/** Everything that the files of a LevelDB still hold, whatever became of its MANIFEST. */
import { readdirSync } from 'node:fs';
import { errnoOf } from '../../errors.js';
import { readLeniently } from './read-file.js';
import { readTable, type TakeEntry, type TellDamage } from './table-file.js';
import { readWriteAhead, recordsOf } from './write-ahead-file.js';

export interface DamagedFile {
  /** In its directory. */
  readonly name: string;
  readonly reason: string;
  /** One bit had flipped, and was put right: all of it could be read. */
  readonly mended: boolean;
}

/**
 * Entries come in no order; of several with one key the newest comes last.
 * @returns after each file what of it is damaged
 */
export function* readLevelFiles(directory: string, take: TakeEntry): Generator<DamagedFile[]> {
  const names = namesOf(directory);
  if (names === null) return yield [{ name: '', reason: 'it is not there', mended: false }];
  for (const name of names) {
    const damaged: DamagedFile[] = [];
    readOne(directory, name, { take, damaged });
    yield damaged;
  }
  const damaged: DamagedFile[] = [];
  checkCurrent(directory, names, damaged);
  yield damaged;
}

function readOne(
  directory: string,
  name: string,
  { take, damaged }: { take: TakeEntry; damaged: DamagedFile[] },
): void {
  const reader = readerOf(name);
  if (reader === null) return;
  const tell: TellDamage = (reason, mended) => damaged.push({ name, reason, mended });
  try {
    const { bytes, unread } = readLeniently(`${directory}/${name}`);
    if (unread > 0) tell(`${unread} bytes of it cannot be read`, false);
    reader(bytes, take, tell);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    tell((error as Error).message, false);
  }
}

type Reader = (bytes: Buffer, take: TakeEntry, tell: TellDamage) => void;

function readerOf(name: string): Reader | null {
  if (/^\d+\.(ldb|sst)$/.test(name)) return readTable;
  if (/^\d+\.log$/.test(name)) return readWriteAhead;
  if (!name.startsWith('MANIFEST-')) return null;
  return (bytes, _take, tell) => {
    if ([...recordsOf(bytes, tell)].length === 0) tell('it holds nothing', false);
  };
}

/** It names the MANIFEST that counts. */
function checkCurrent(directory: string, names: readonly string[], damaged: DamagedFile[]): void {
  if (!names.includes('CURRENT')) {
    damaged.push({ name: 'CURRENT', reason: 'it is not there', mended: false });
    return;
  }
  const tell: TellDamage = (reason, mended) => damaged.push({ name: 'CURRENT', reason, mended });
  try {
    const text = readLeniently(`${directory}/CURRENT`).bytes.toString('latin1');
    if (!text.endsWith('\n') || !names.includes(text.slice(0, -1))) tell('it names no MANIFEST', false);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    tell((error as Error).message, false);
  }
}

/** Tables before logs, each in the order of their numbers; null where there is no such directory. */
function namesOf(directory: string): string[] | null {
  try {
    const rank = (name: string): string => `${name.endsWith('.log') ? 1 : 0}${name.padStart(24, '0')}`;
    return readdirSync(directory).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
