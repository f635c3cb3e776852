/** The use case: what was done by hand in the tree becomes one operation. */
import { HkfsError } from '../../errors.js';
import { describeFsError } from '../../fs/errors.js';
import type { Message, SyncOptions, SyncStep, SyncSummary } from '../api.js';
import { makeAbsentNames } from '../absent-names.js';
import { guardMassRemoval, type RemovalWords } from '../mass-removal.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import { adopt, reseal } from './adopt.js';
import { TreeComparison } from './compare-tree.js';
import { prepare, type Changes } from './prepare.js';

const ignore = (): void => {};

const WORDS: RemovalWords = {
  from: 'the tree',
  consequence: "adopting that removes them from the archive's names, not from history.",
  again: 'hkfs sync --yes (--dry-run lists them)',
};

const DOUBTFUL: RemovalWords = {
  from: 'the tree or replaced in it, or the file system never took them: what was known of that went with the views',
  consequence: WORDS.consequence,
  again: WORDS.again,
};

/**
 * @throws HkfsError TOO_MANY_REMOVED before anything is changed, INTERRUPTED, and what the file system
 *   refuses
 */
export async function sync(
  archive: OpenArchive,
  options: SyncOptions,
  clock: () => number,
  onStart: (operation: number) => void = ignore,
): Promise<SyncSummary> {
  const started = clock();
  const { dryRun = false, yes = false, signal, onMessage = ignore } = options;
  signal?.addEventListener('abort', () => archive.pool.cancel(), { once: true });
  try {
    if (!dryRun) await makeAbsentNames(archive, onMessage);
    const comparison = await compare(archive, options);
    const changes = await prepare(archive, comparison);
    if (signal?.aborted) throw interrupted();
    if (!yes && !dryRun) await guardRemovals(archive, { comparison, changes, confirm: options.confirm });
    for (const path of changes.shared) onMessage(sharedNote(path));
    if (changes.absent > 0) onMessage(absentNote(changes.absent));
    await comparison.settle(new Set(changes.seals.map(({ path }) => path)));
    if (!dryRun && changes.isEmpty) {
      await reseal(archive, changes);
      await nothingIsDoubtful(archive, comparison);
    }
    if (dryRun || changes.isEmpty) return summaryOf(changes, { operation: null, started, clock, dryRun });
    // What a person did by hand may not be on the disk yet: told as done, it must not come undone.
    await archive.sync();
    const operation = await Operation.start(archive, {
      command: 'sync',
      args: yes ? ['--yes'] : [],
      sources: [],
      clock,
      onMessage,
      adopts: true,
    });
    onStart(operation.number);
    await perform(archive, operation, { changes, signal, onMessage });
    await nothingIsDoubtful(archive, comparison);
    return summaryOf(changes, { operation: operation.number, started, clock, dryRun });
  } catch (error) {
    throw signal?.aborted ? interrupted(error) : describeFsError(error, archive.layout.root);
  }
}

/** With the views went what the file system had refused: what was never in the tree looks removed. */
async function guardRemovals(
  archive: OpenArchive,
  parts: { comparison: TreeComparison; changes: Changes; confirm: SyncOptions['confirm'] },
): Promise<void> {
  const { comparison, changes, confirm } = parts;
  const { total } = comparison;
  const isDoubtful = await archive.refused.isUnknown();
  const replaced = changes.plan.steps.filter((step) => step.do === 'add' && step.replaces !== null).length;
  const removed = changes.removed + (isDoubtful ? replaced : 0);
  await guardMassRemoval({ removed, total, isDoubtful }, isDoubtful ? DOUBTFUL : WORDS, confirm);
}

/** What the tree lacks was agreed to. What could not be looked at is as doubtful as before. */
async function nothingIsDoubtful(archive: OpenArchive, { failed }: TreeComparison): Promise<void> {
  if (failed.length === 0 && (await archive.refused.isUnknown())) await archive.refused.becomeKnown();
}

function compare(
  archive: OpenArchive,
  { dryRun = false, signal, onProgress }: SyncOptions,
): Promise<TreeComparison> {
  let files = 0;
  const totals = { bytes: 0, totalFiles: null, totalBytes: null };
  const onEntries = (entries: number): void => {
    files += entries;
    onProgress?.({ phase: 'comparing', files, ...totals });
  };
  return TreeComparison.run(archive, { keepsMarks: !dryRun, signal, onEntries });
}

async function perform(
  archive: OpenArchive,
  operation: Operation,
  work: { changes: Changes; signal: AbortSignal | undefined; onMessage: (message: Message) => void },
): Promise<void> {
  const { changes, signal } = work;
  try {
    await adopt(archive, operation.committer, work);
  } catch (error) {
    await operation.fail(signal?.aborted ? 'interrupted' : (error as Error).message, countsOf(changes));
    throw error;
  }
  if (!signal?.aborted) return operation.complete(countsOf(changes));
  await operation.fail('interrupted', countsOf(changes));
  throw interrupted();
}

function sharedNote(path: string): Message {
  const text = 'its attributes were changed, but its content has other names: not adopted';
  return { level: 'note', code: 'ATTRIBUTES_SHARED', path, text };
}

function absentNote(names: number): Message {
  const what = names === 1 ? '1 name is' : `${names} names are`;
  const text = `${what} not in the tree because the content is not here: not taken for removed; \`hkfs heal\` brings it back, \`hkfs rm\` removes the name`;
  return { level: 'warning', code: 'OBJECT_MISSING', text };
}

function countsOf(changes: Changes): Record<string, number> {
  const { renamed, added, removed, changed, relinked, damaged, failed } = changes;
  return { renamed, added, removed, changed, relinked, damaged: damaged.length, failed: failed.length };
}

function summaryOf(
  changes: Changes,
  run: { operation: number | null; started: number; clock: () => number; dryRun: boolean },
): SyncSummary {
  const { renamed, added, removed, changed, relinked, damaged, failed } = changes;
  const seconds = (run.clock() - run.started) / 1000;
  const steps: readonly SyncStep[] = changes.lines;
  return {
    operation: run.operation,
    ...{ renamed, added, removed, changed, relinked, damaged, failed, seconds },
    ...(run.dryRun ? { dryRun: true as const, steps } : {}),
  };
}

function interrupted(cause?: unknown): HkfsError {
  return new HkfsError('INTERRUPTED', 'stopped; what was adopted up to here is in the archive', {
    hint: 'the same command again adopts the rest',
    ...(cause === undefined ? {} : { cause }),
  });
}
