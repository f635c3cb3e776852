/** Which files a LevelDB is made of, as its MANIFEST says. */
import { readJournal } from './level-journal.js';
import { readVarint } from './varint.js';

export interface ManifestState {
  /** Numbers of the tables. */
  readonly tables: ReadonlySet<number>;
  /** The write-ahead log from which on all are wanted; 0: none was made yet. */
  readonly log: number;
}

/** @returns null where it is damaged; LevelDB says how. @throws RangeError where a record is none */
export function readManifest(bytes: Buffer): ManifestState | null {
  const { records, damagedAt } = readJournal(bytes);
  if (damagedAt !== null || records.length === 0) return null;
  const state = { tables: new Set<number>(), log: 0 };
  for (const record of records) applyEdit(record, state);
  return state;
}

/** Tags of an edit as LevelDB's version_edit.cc has them. */
function applyEdit(record: Buffer, state: { tables: Set<number>; log: number }): void {
  let at = 0;
  const number = (): number => {
    const { value, next } = readVarint(record, at);
    at = next;
    return value;
  };
  const skipBytes = (): void => {
    const length = number();
    at += length;
  };
  while (at < record.length) {
    const tag = number();
    if (tag === 1) skipBytes();
    else if (tag === 2) state.log = number();
    else if (tag === 3 || tag === 4 || tag === 9) number();
    else if (tag === 5) {
      number();
      skipBytes();
    } else if (tag === 6) {
      number();
      state.tables.delete(number());
    } else if (tag === 7) {
      number();
      state.tables.add(number());
      number();
      skipBytes();
      skipBytes();
    } else throw new RangeError('no edit');
  }
}
