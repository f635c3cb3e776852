/**
 * What was made beside the archive takes its place, by renames. `ready.json` says which, and is durable before
 * the first of them: so a recovery that was cut short goes on with the same command, and without asking again.
 */
import { existsSync, lstatSync, readFileSync, renameSync } from 'node:fs';
import { fsyncDirectory, writeFileDurably } from '../../fs/durable.js';
import { failpoint } from '../../fs/failpoints.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';
import { recoverFolder } from './folder.js';

/** Of names below `.hkfs`. */
export type Move = readonly [from: string, to: string];

export interface Ready<State> {
  /** Those that are not known to be done. */
  readonly moves: readonly Move[];
  /** What the rest needs to know. */
  readonly state: State;
}

/** Null where nothing was begun; one that cannot be read was never agreed to. */
export function readReady<State>(layout: Layout): Ready<State> | null {
  const path = toFsPath(recoverFolder(layout).ready);
  if (!existsSync(path)) return null;
  return JSON.parse(readFileSync(path, 'utf8')) as Ready<State>;
}

export function writeReady<State>(layout: Layout, ready: Ready<State>): void {
  writeFileDurably(recoverFolder(layout).ready, Buffer.from(`${JSON.stringify(ready)}\n`), 0o644);
  failpoint('recover.ready');
}

/** Only what is there is moved, so that it may be done again. */
export function moveAll<State>(layout: Layout, { moves, state }: Ready<State>): void {
  for (const [from, to] of moves) {
    if (!isThere(`${layout.hkfs}/${from}`) || isThere(`${layout.hkfs}/${to}`)) continue;
    renameSync(toFsPath(`${layout.hkfs}/${from}`), toFsPath(`${layout.hkfs}/${to}`));
    fsyncDirectory(layout.hkfs);
    failpoint('recover.moved');
  }
  if (moves.length > 0) writeReady(layout, { moves: [], state });
}

/** The moves of those that are there now. */
export function existing({ hkfs }: Layout, moves: readonly Move[]): Move[] {
  return moves.filter(([from]) => isThere(`${hkfs}/${from}`));
}

function isThere(path: string): boolean {
  return lstatSync(toFsPath(path), { throwIfNoEntry: false }) !== undefined;
}
