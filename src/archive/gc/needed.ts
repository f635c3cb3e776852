/** Back to which event the log may still be taken by an undo, so that the objects named there stay. */
import type { Position } from '../../events/types.js';
import type { OpenArchive } from '../open-archive.js';
import { lastThatChangedNames } from '../history/undo.js';
import { lastOperation, operationExtent, operations } from '../queries/operations.js';

/**
 * What lost its last name at this event or later stays: `undo` without a number gives it back, however
 * often it is asked; and an operation that was cut short can be undone, or goes on.
 */
export async function firstNeeded(archive: OpenArchive): Promise<Position> {
  const changed = await lastThatChangedNames(archive);
  const starts = [
    changed === null ? null : await startOf(archive, changed),
    ...(await startsOfUnfinished(archive)),
  ];
  return Math.min(archive.now + 1, ...starts.filter((start) => start !== null));
}

/** Of the newest operation where it has no end, and of the one that it undoes. */
async function startsOfUnfinished(archive: OpenArchive): Promise<Position[]> {
  for await (const row of operations(archive, null, await lastOperation(archive))) {
    if (row.status === 'completed') return [];
    const undone = row.command === 'undo' ? await startOf(archive, Number(row.args[0])) : null;
    return undone === null ? [row.first] : [row.first, undone];
  }
  return [];
}

async function startOf(archive: OpenArchive, operation: number): Promise<Position | null> {
  return (await operationExtent(archive, operation))?.first ?? null;
}
