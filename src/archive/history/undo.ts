/** `undo`: appends the events that reverse an operation. History only grows. */
import { existsSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { objectPath } from '../../fs/stage.js';
import { Namespace } from '../../projections/namespace.js';
import { parseEntryValue } from '../../projections/evolve.js';
import type { SkippedRow, UndoOptions, UndoSummary } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { collectedObject, sayCollected } from '../queries/collected.js';
import { operationExtent } from '../queries/operations.js';
import { execute, isConfirmed, textsOf, type ChangeOptions, type ChangePlan } from './change.js';
import { directoryOf } from './draft.js';
import { changesNames, Reversal, type ReversalStep } from './reversal.js';

interface UndoPlan extends ChangePlan {
  readonly undone: number;
  readonly steps: readonly ReversalStep[];
  readonly skipped: readonly SkippedRow[];
}

export async function undo(
  archive: OpenArchive,
  options: UndoOptions,
  change: ChangeOptions,
): Promise<UndoSummary> {
  const plan = await planUndo(archive, options.operation);
  const { undone, skipped } = plan;
  const counts = countsOf(plan.steps);
  if (options.dryRun)
    return { operation: null, undone, ...counts, skipped, dryRun: true, plan: textsOf(plan) };
  const asks = plan.steps.some(({ takes }) => takes);
  if (asks && !(await isConfirmed(plan, options)))
    return { operation: null, undone, ...countsOf([]), skipped };
  return { ...(await execute(archive, plan, { ...change, counts })), undone, ...counts, skipped };
}

/** @throws HkfsError NOT_FOUND, CANNOT_UNDO */
export async function planUndo(
  archive: OpenArchive,
  operation?: number,
  isOnDisk: (path: string) => boolean = existsSync,
): Promise<UndoPlan> {
  const undone = operation ?? (await lastThatChangedNames(archive));
  if (undone === null)
    throw new HkfsError('CANNOT_UNDO', 'nothing has changed a name yet: there is nothing to undo', {
      hint: 'see `hkfs ops`',
    });
  const extent = await operationExtent(archive, undone);
  if (extent === null)
    throw new HkfsError('NOT_FOUND', `there is no operation ${undone}`, { hint: 'see `hkfs ops`' });
  const reversal = new Reversal(archive, { operation: undone, ...extent });
  for await (const records of archive.log.readReverse({ from: extent.first, to: extent.last + 1 }))
    for (const record of records) if (record.operation === undone) await reversal.reverse(record);
  if (!reversal.changedNames)
    throw new HkfsError('CANNOT_UNDO', `operation ${undone} changed no names: there is nothing to reverse`, {
      hint: 'see `hkfs ops` for those that did',
    });
  const { steps, skipped } = reversal;
  await checkObjects(archive, steps, isOnDisk);
  return { command: 'undo', args: [String(undone)], undone, steps, skipped };
}

/** What `undo` means without a number; null where there is none. */
export async function lastThatChangedNames(archive: OpenArchive): Promise<number | null> {
  for await (const records of archive.log.readReverse({ from: 0, to: archive.log.size }))
    for (const { event, operation } of records) if (changesNames(event)) return operation;
  return null;
}

/** Nothing is given a name back whose bytes are gone. @throws HkfsError CANNOT_UNDO */
async function checkObjects(
  archive: OpenArchive,
  steps: readonly ReversalStep[],
  isOnDisk: (path: string) => boolean,
): Promise<void> {
  const checked = new Set<string>();
  const contents = archive.contents();
  const check = async (hash: string | null, path: string): Promise<void> => {
    if (hash === null || checked.has(hash)) return;
    checked.add(hash);
    const object = await contents.object(hash);
    const file = objectPath(archive.layout.objects, Buffer.from(hash, 'hex'));
    const isNamed = object !== null && object.inodes.length > 0;
    if (isNamed && (await contents.finding(hash)) !== 'missing' && isOnDisk(file)) return;
    const collected = await collectedObject(archive, hash);
    const why = collected === null ? '' : `: ${sayCollected(hash, collected)}`;
    throw new HkfsError(
      'CANNOT_UNDO',
      `the content of /${path}, object ${hash}, is not in the archive any more${why}`,
      {
        hint: 'ingest a copy of it again, then undo',
      },
    );
  };
  for (const { event, value } of steps)
    if (event.type === 'path.restored') await eachHash(archive, { event, value }, check);
}

async function eachHash(
  archive: OpenArchive,
  { event, value }: Pick<ReversalStep, 'event' | 'value'>,
  check: (hash: string | null, path: string) => Promise<void>,
): Promise<void> {
  if (event.type !== 'path.restored' || value === null) return;
  const then = new Namespace(archive.views.level, event.at);
  const path = (await then.pathOfPlace(event)) ?? event.name;
  const entry = parseEntryValue(value, event.at)!.event;
  if (entry.type === 'file.ingested') return check(entry.hash, path);
  const entryThen = directoryOf(value) === null ? undefined : await then.entryAt(event);
  if (entryThen === undefined) return;
  for await (const below of archive.namespace().walk({ path, entry: entryThen }))
    if (below.entry.event.type === 'file.ingested') await check(below.entry.event.hash, below.path);
}

function countsOf(steps: readonly ReversalStep[]): { restored: number; removed: number; renamed: number } {
  const count = (type: ReversalStep['event']['type']): number =>
    steps.filter(({ event }) => event.type === type).length;
  return { restored: count('path.restored'), removed: count('path.removed'), renamed: count('path.renamed') };
}
