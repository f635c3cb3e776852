/**
 * The files of a LevelDB, looked at before it is opened: LevelDB removes what a damaged MANIFEST does not know,
 * drops what is damaged of a write-ahead log, and ends the process over a table. Nothing is changed here but a
 * note of which tables were good.
 */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { readJournal } from './level-journal.js';
import { readManifest, type ManifestState } from './level-manifest.js';
import { tableProblem } from './level-table.js';

/** Tables are read whole once a day; of more than this, the rest by the next who open it. */
const BYTES_AT_ONCE = 16 << 20;
const DAY_MS = 86_400_000;
const NOTE = 'checked';
const TRIES = 5;

/** @returns the first that is damaged, and how; null where nothing is known to be, or all is changing */
export function levelProblem(
  location: string,
  options: { all?: boolean; nowMs?: number } = {},
): string | null {
  for (let left = TRIES; left > 0; left -= 1) {
    const before = manifestOf(location);
    if (before === null) return null;
    const problem = problemOf(location, before.bytes, options);
    // Whoever holds it makes and removes files: then its MANIFEST has changed.
    const after = manifestOf(location);
    if (after !== null && after.path === before.path && after.bytes.equals(before.bytes)) return problem;
  }
  return null;
}

/** Null where there is none that can be found: LevelDB tells that by itself, and removes nothing. */
function manifestOf(location: string): { path: string; bytes: Buffer } | null {
  const current = readOrNull(`${location}/CURRENT`)?.toString('latin1') ?? '';
  if (!/^MANIFEST-\d+\n$/.test(current)) return null;
  const path = `${location}/${current.trimEnd()}`;
  const bytes = readOrNull(path);
  return bytes && { path, bytes };
}

function problemOf(
  location: string,
  manifest: Buffer,
  options: { all?: boolean; nowMs?: number },
): string | null {
  const state = stateOf(manifest);
  if (state === null) return 'its MANIFEST is damaged';
  return journalProblem(location, state) ?? tablesProblem(location, state, options);
}

function stateOf(manifest: Buffer): ManifestState | null {
  try {
    return readManifest(manifest);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function journalProblem(location: string, { log }: ManifestState): string | null {
  if (log === 0) return null;
  const name = fileName(log, 'log');
  const bytes = readOrNull(`${location}/${name}`);
  // It was removed when a later MANIFEST did not need it: that one was cut short.
  if (bytes === null) return `${name} is missing, or its MANIFEST was cut short`;
  const { damagedAt } = readJournal(bytes);
  return damagedAt === null ? null : `${name} is damaged at byte ${damagedAt}`;
}

function tablesProblem(
  location: string,
  { tables }: ManifestState,
  { all = false, nowMs = Date.now() }: { all?: boolean; nowMs?: number },
): string | null {
  const known = readNote(location);
  const good: Record<string, Checked> = {};
  let left = all ? Infinity : BYTES_AT_ONCE;
  let isNews = false;
  for (const number of tables) {
    const name = tableName(location, number);
    if (name === null) return `${fileName(number, 'ldb')} is missing`;
    const found = statSync(`${location}/${name}`, { throwIfNoEntry: false });
    if (found === undefined) return `${name} is missing`;
    const { size, mtimeMs, ctimeMs, ino } = found;
    const stat = [size, mtimeMs, ctimeMs, ino].join(' ');
    const before = known[name];
    const isKnown = !all && before?.stat === stat && Math.abs(nowMs - before.atMs) < DAY_MS;
    if (isKnown || left < 0) {
      if (before?.stat === stat) good[name] = before;
      continue;
    }
    left -= size;
    const problem = tableProblem(`${location}/${name}`);
    if (problem !== null) return `${name}: ${problem}`;
    good[name] = { stat, atMs: nowMs };
    isNews = true;
  }
  if (isNews) writeNote(location, good);
  return null;
}

interface Checked {
  readonly stat: string;
  readonly atMs: number;
}

function readNote(location: string): Record<string, Checked | undefined> {
  try {
    const note: unknown = JSON.parse(readFileSync(`${location}/${NOTE}`, 'utf8'));
    return typeof note === 'object' && note !== null ? (note as Record<string, Checked | undefined>) : {};
  } catch {
    // A note that is not there, or is none, saves no work.
    return {};
  }
}

function writeNote(location: string, good: Record<string, Checked>): void {
  const path = `${location}/${NOTE}`;
  try {
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(good));
    renameSync(`${path}.${process.pid}`, path);
  } catch (error) {
    // Of use only: what cannot be noted is read again.
    if (errnoOf(error) === undefined) throw error;
  }
}

function tableName(location: string, number: number): string | null {
  const names = [fileName(number, 'ldb'), fileName(number, 'sst')];
  return names.find((name) => existsSync(`${location}/${name}`)) ?? null;
}

function fileName(number: number, ending: string): string {
  return `${String(number).padStart(6, '0')}.${ending}`;
}

function readOrNull(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
