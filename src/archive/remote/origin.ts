/** `origin.json`: where a clone came from. While it says `cloning`, the directory is no archive yet. */
import { existsSync, readFileSync } from 'node:fs';
import { errnoOf } from '../../errors.js';
import type { Head } from '../../events/types.js';
import { writeFileDurably } from '../../fs/durable.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';

export interface Origin {
  /** Of the remote, as it was given. */
  readonly url: string;
  readonly archive: string;
  /** What the clone is to have. */
  readonly head: Head;
  /** `catalogue`: names only; contents are fetched when they are asked for. */
  readonly state: 'cloning' | 'catalogue' | 'complete';
  /** Of the run that began, while `cloning`. */
  readonly bootId?: string | null;
}

/** Null for an archive that is no clone. */
export function readOrigin(layout: Layout): Origin | null {
  if (!existsSync(toFsPath(layout.origin))) return null;
  try {
    return JSON.parse(readFileSync(toFsPath(layout.origin), 'utf8')) as Origin;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'EISDIR') return null;
    throw error;
  }
}

export function writeOrigin(layout: Layout, origin: Origin): void {
  writeFileDurably(layout.origin, Buffer.from(`${JSON.stringify(origin, null, 2)}\n`), 0o644);
}

/** A clone in which nothing has happened of itself: its log is wholly its origin's. */
export function isPureClone({ layout, log }: { layout: Layout; log: { size: number } }): boolean {
  return (readOrigin(layout)?.head.size ?? -1) === log.size;
}
