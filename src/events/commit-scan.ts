/** Commit records in the log's order or against it, and the one that covers a position. */
import { decodeCommit } from './commit-record.js';
import type { Level } from './level.js';
import { commitKey, commitPosition } from './log-keys.js';
import { scan, type Span } from './scan.js';
import type { CommitRecord, Position } from './types.js';

const LAST_KEY = commitKey(Number.MAX_SAFE_INTEGER);

/** The commit with the largest first position up to `position`; null when there is none. */
export async function commitUpTo(level: Level, position: Position): Promise<CommitRecord | null> {
  const range = { gte: commitKey(0), lte: commitKey(position) };
  for await (const [entry] of scan(level, { ...range, reverse: true, limit: 1 }))
    if (entry !== undefined) return decodeEntry(entry);
  return null;
}

export function lastCommitOf(level: Level): Promise<CommitRecord | null> {
  return commitUpTo(level, Number.MAX_SAFE_INTEGER);
}

/** The commits that cover positions of the span. */
export async function* scanCommits(level: Level, span: Span, reverse = false): AsyncGenerator<CommitRecord> {
  if (span.from >= span.to) return;
  const covering = await commitUpTo(level, span.from);
  const gte = commitKey(covering?.first ?? span.from);
  const lt = span.to > Number.MAX_SAFE_INTEGER ? LAST_KEY : commitKey(span.to);
  for await (const batch of scan(level, { gte, lt, reverse })) yield* batch.map(decodeEntry);
}

function decodeEntry([key, value]: [Buffer, Buffer]): CommitRecord {
  return decodeCommit(value, commitPosition(key));
}
