/** `prune`: takes a path out of the tree where what it holds stays elsewhere, and writes down where. */
import { HkfsError, isHkfsError } from '../../errors.js';
import { isBelowAny } from '../../fs/names.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { PruneOptions, PruneSummary, RefusalRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolveSince } from '../queries/moments.js';
import { resolvePathAt } from '../queries/past-paths.js';
import { execute, type Executed, type ChangeOptions, type ChangePlan } from './change.js';
import { Keepers } from './keepers.js';
import { proofRow, pruneEvents, weed, type Proven, type Weeding } from './prune-plan.js';

/** @throws HkfsError NOT_FOUND, BAD_TARGET, BAD_PATH, BAD_MOMENT */
export async function prune(
  archive: OpenArchive,
  options: PruneOptions,
  change: ChangeOptions,
): Promise<PruneSummary> {
  const asked = await startsOf(archive, options.path);
  const weeding = await planPrune(archive, asked, { options, nowMs: change.clock() });
  if (isRefused(weeding, options)) return refusal(weeding, options);
  const plan = linesOf(weeding);
  if (options.dryRun) return { ...summaryOf({ operation: null }, weeding), dryRun: true, plan };
  if (options.confirm === undefined || weeding.removals.length === 0)
    return carryOut(archive, weeding, { asked, options, change });
  if (!(await options.confirm(plan))) return summaryOf({ operation: null }, NOTHING);
  // Nobody else writes to the log, but a person may have changed the disk while they were asked.
  const again = await planPrune(archive, asked, { options, nowMs: change.clock() });
  if (isRefused(again, options)) return refusal(again, options);
  return carryOut(archive, again, { asked, options, change });
}

/** Outermost entries that are to go, and those of several paths that are not there. */
interface Asked {
  readonly starts: readonly NamedEntry[];
  readonly absent: readonly RefusalRow[];
}

/** What may go and what stands in the way, each start for itself. Changes nothing. */
async function planPrune(
  archive: OpenArchive,
  { starts, absent }: Asked,
  { options, nowMs }: { options: PruneOptions; nowMs: number },
): Promise<Weeding> {
  const { verifiedSince, toHistory = false, keepUnique = false } = options;
  const provenAfter = verifiedSince === undefined ? null : await resolveSince(archive, verifiedSince, nowMs);
  const going = new Set(starts.map(({ path }) => path));
  const keepers = await Keepers.of(archive, starts, { going, toHistory, provenAfter });
  const all = { removals: [] as NamedEntry[], proven: [] as Proven[], refusing: [...absent] };
  try {
    for (const start of starts) {
      const { removals, proven, refusing } = await weed(archive, start, keepers);
      for (const row of refusing) all.refusing.push(row);
      if (refusing.length > 0 && !keepUnique) continue;
      for (const removal of removals) all.removals.push(removal);
      for (const each of proven) all.proven.push(each);
    }
    return all;
  } finally {
    keepers.close();
  }
}

async function carryOut(
  archive: OpenArchive,
  weeding: Weeding,
  { asked, options, change }: { asked: Asked; options: PruneOptions; change: ChangeOptions },
): Promise<PruneSummary> {
  const steps = pruneEvents(weeding).map((event) => ({ event, text: '' }));
  if (weeding.removals.length === 0) return summaryOf({ operation: null }, weeding);
  const plan: ChangePlan = { command: 'prune', args: argsOf(asked, options), steps };
  const { removedFiles, removedBytes } = summaryOf({ operation: null }, weeding);
  const counts = { removedFiles, removedBytes, left: weeding.refusing.length };
  return summaryOf(await execute(archive, plan, { ...change, counts }), weeding);
}

const NOTHING: Weeding = { removals: [], proven: [], refusing: [] };

function isRefused({ removals, refusing }: Weeding, { keepUnique = false }: PruneOptions): boolean {
  return refusing.length > 0 && removals.length === 0 && !keepUnique;
}

function refusal({ refusing }: Weeding, { dryRun }: PruneOptions): PruneSummary {
  const summary = summaryOf({ operation: null }, { ...NOTHING, refusing });
  return dryRun ? { ...summary, dryRun, plan: [] } : summary;
}

async function startsOf(archive: OpenArchive, paths: string | readonly string[]): Promise<Asked> {
  if (typeof paths === 'string') return { starts: [await startOf(archive, paths)], absent: [] };
  const found = new Map<string, NamedEntry>();
  const absent: RefusalRow[] = [];
  for (const path of paths)
    try {
      const start = await startOf(archive, path);
      found.set(start.path, start);
    } catch (error) {
      if (!isHkfsError(error, 'NOT_FOUND')) throw error;
      absent.push({ path, kind: null, hash: null, size: null, reason: 'it is not there' });
    }
  const tops = new Set(found.keys());
  const starts = [...found.values()].filter(({ path }) => !isBelowAny(path, tops));
  return { starts, absent };
}

async function startOf(archive: OpenArchive, path: string): Promise<NamedEntry> {
  const start = await resolvePathAt(archive, path);
  if (start.path !== '') return start;
  throw new HkfsError('BAD_TARGET', 'the root of an archive cannot be pruned: nothing is outside of it', {
    hint: 'name what is in it',
  });
}

/** The paths of a list are in the proof. */
function argsOf({ starts }: Asked, options: PruneOptions): string[] {
  const { path, toHistory, keepUnique, verifiedSince } = options;
  return [
    ...(typeof path === 'string' ? starts.map((start) => start.path) : ['--from-file', '-']),
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
