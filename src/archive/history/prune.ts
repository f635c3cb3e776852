/** `prune`: takes a path out of the tree where what it holds stays elsewhere, and writes down where. */
import { HkfsError } from '../../errors.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { PruneOptions, PruneSummary } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolveSince } from '../queries/moments.js';
import { resolvePathAt } from '../queries/past-paths.js';
import { execute, type Executed, type ChangeOptions, type ChangePlan } from './change.js';
import { Keepers } from './keepers.js';
import { proofRow, pruneEvents, weed, type Weeding } from './prune-plan.js';

/** @throws HkfsError NOT_FOUND, BAD_TARGET, BAD_PATH, BAD_MOMENT */
export async function prune(
  archive: OpenArchive,
  options: PruneOptions,
  change: ChangeOptions,
): Promise<PruneSummary> {
  const start = await startOf(archive, options.path);
  const weeding = await planPrune(archive, start, { options, nowMs: change.clock() });
  if (isRefused(weeding, options)) return refusal(weeding, options);
  const plan = linesOf(weeding);
  if (options.dryRun) return { ...summaryOf({ operation: null }, weeding), dryRun: true, plan };
  if (options.confirm === undefined || weeding.removals.length === 0)
    return carryOut(archive, weeding, { start, options, change });
  if (!(await options.confirm(plan))) return summaryOf({ operation: null }, NOTHING);
  // Nobody else writes to the log, but a person may have changed the disk while they were asked.
  const again = await planPrune(archive, start, { options, nowMs: change.clock() });
  if (isRefused(again, options)) return refusal(again, options);
  return carryOut(archive, again, { start, options, change });
}

/** What may go and what stands in the way. Changes nothing. */
export async function planPrune(
  archive: OpenArchive,
  start: NamedEntry,
  { options, nowMs }: { options: PruneOptions; nowMs: number },
): Promise<Weeding> {
  const { verifiedSince, toHistory = false } = options;
  const provenAfter = verifiedSince === undefined ? null : await resolveSince(archive, verifiedSince, nowMs);
  const keepers = await Keepers.of(archive, start, { going: start.path, toHistory, provenAfter });
  try {
    return await weed(archive, start, keepers);
  } finally {
    keepers.close();
  }
}

async function carryOut(
  archive: OpenArchive,
  weeding: Weeding,
  asked: { start: NamedEntry; options: PruneOptions; change: ChangeOptions },
): Promise<PruneSummary> {
  const steps = pruneEvents(weeding).map((event) => ({ event, text: '' }));
  if (weeding.removals.length === 0) return summaryOf({ operation: null }, weeding);
  const plan: ChangePlan = { command: 'prune', args: argsOf(asked), steps };
  const { removedFiles, removedBytes } = summaryOf({ operation: null }, weeding);
  const counts = { removedFiles, removedBytes, left: weeding.refusing.length };
  return summaryOf(await execute(archive, plan, { ...asked.change, counts }), weeding);
}

const NOTHING: Weeding = { removals: [], proven: [], refusing: [] };

function isRefused({ refusing }: Weeding, { keepUnique = false }: PruneOptions): boolean {
  return refusing.length > 0 && !keepUnique;
}

function refusal({ refusing }: Weeding, { dryRun }: PruneOptions): PruneSummary {
  const summary = summaryOf({ operation: null }, { ...NOTHING, refusing });
  return dryRun ? { ...summary, dryRun, plan: [] } : summary;
}

async function startOf(archive: OpenArchive, path: string): Promise<NamedEntry> {
  const start = await resolvePathAt(archive, path);
  if (start.path !== '') return start;
  throw new HkfsError('BAD_TARGET', 'the root of an archive cannot be pruned: nothing is outside of it', {
    hint: 'name what is in it',
  });
}

function argsOf({ start, options }: { start: NamedEntry; options: PruneOptions }): string[] {
  const { toHistory, keepUnique, verifiedSince } = options;
  return [
    start.path,
    ...(toHistory ? ['--to-history'] : []),
    ...(keepUnique ? ['--keep-unique'] : []),
    ...(verifiedSince === undefined ? [] : ['--verified-since', verifiedSince]),
  ];
}

/** Removals first, then of each file where it stays. */
function linesOf({ removals, proven }: Weeding): string[] {
  const gone = removals.map(({ path, entry }) =>
    entry.directoryId === null ? `remove ${path}` : `remove ${path}/ and everything below`,
  );
  const kept = proven.map((each) => {
    const { path, hash, kept } = proofRow(each);
    if (kept !== null) return `${path} stays as ${kept}`;
    return hash === null ? `${path} is empty` : `${path} stays in history only`;
  });
  return [...gone, ...kept];
}

function summaryOf(executed: Executed, { removals, proven, refusing }: Weeding): PruneSummary {
  const files = proven.filter(({ gone }) => gone.entry.kind === 'file');
  return {
    ...executed,
    removed: removals.map(({ path }) => path),
    removedFiles: files.length,
    removedBytes: files.reduce((sum, { gone }) => sum + sizeOf(gone), 0),
    proof: proven.map(proofRow),
    refusing,
  };
}

function sizeOf({ entry }: NamedEntry): number {
  return entry.event.type === 'file.ingested' ? entry.event.size : 0;
}
