/** The use case: entries of a moment become files again, with all that they had. */
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { settling } from '../../fs/settling.js';
import { describeFsError } from '../../fs/errors.js';
import { WrittenFilesystems } from '../../fs/durable.js';
import { failpoint } from '../../fs/failpoints.js';
import type { HeldRoot } from '../../fs/held-directories.js';
import { withDirectory } from '../../fs/long-path.js';
import { parentPath, toFsPath } from '../../fs/names.js';
import { lstatOrNull } from '../../fs/scan.js';
import type { RestoreOptions, RestoreSummary } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolveMoment } from '../queries/moments.js';
import { planLandings, type Landings } from './landings.js';
import type { RestorerParts } from './parts.js';
import { Restorer } from './restorer.js';
import { Tally } from './tally.js';

const ignore = (): void => {};

/**
 * @throws HkfsError for what makes the whole command impossible, before anything is touched;
 *   CONFIRMATION_NEEDED from `confirm`; NO_SPACE and its kin; INTERRUPTED after a clean stop
 */
export async function restore(
  archive: OpenArchive,
  options: RestoreOptions,
  clock: () => number,
): Promise<RestoreSummary> {
  const started = clock();
  refuseContradiction(options);
  const { position: at } = await resolveMoment(archive, options.at, clock());
  const landings = await planLandings(archive, options.paths, { to: options.to, at });
  refuseTarget(archive, options, landings.directory);
  const held = holdTarget(archive, landings.directory);
  try {
    return await restoreHeld(archive, options, { landings, at, started, clock });
  } finally {
    archive.pool.release(held);
  }
}

/** From here on no symlink that somebody puts into the way leads anywhere else. */
function holdTarget(archive: OpenArchive, directory: string): HeldRoot | null {
  const there = nearestThere(directory);
  try {
    return archive.pool.hold(there, { isReal: true, posix: archive.posix });
  } catch (error) {
    throw describeFsError(error, there);
  }
}

async function restoreHeld(
  archive: OpenArchive,
  options: RestoreOptions,
  { landings, at, started, clock }: { landings: Landings; at: number; started: number; clock: () => number },
): Promise<RestoreSummary> {
  const parts = await partsOf(archive, options, at);
  const dryRun = options.dryRun ?? false;
  if (dryRun || (options.confirm && mayLose(options))) {
    // What the survey finds in the way is told by the pass that follows it.
    const onMessage = dryRun ? parts.onMessage : ignore;
    const survey = await pass({ ...parts, dry: true, tally: new Tally(dryRun), onMessage }, landings);
    if (dryRun) return survey.summary((clock() - started) / 1000, true);
    const plan = survey.plan();
    const isGiven = plan.overwritten + plan.deleted === 0 || (await options.confirm!(plan));
    if (!isGiven) throw new HkfsError('NOT_CONFIRMED', 'nothing was changed', { hint: 'see --dry-run' });
  }
  const totals = options.estimate ? await totalsOf(archive, landings, at) : null;
  const tally = await passDurably(archive, { ...parts, totals }, { landings, signal: options.signal });
  return tally.summary((clock() - started) / 1000, false);
}

async function passDurably(
  archive: OpenArchive,
  parts: RestorerParts,
  run: { landings: Landings; signal: AbortSignal | undefined },
): Promise<Tally> {
  const { filesystems } = parts;
  const { directory } = run.landings;
  const there = nearestThere(directory);
  try {
    withDirectory(there, (base) => filesystems.add(base, statSync(toFsPath(base), { bigint: true }).dev));
    const tally = await passWithCancel(archive, parts, run);
    await filesystems.sync(archive.posix);
    failpoint('restore.synced');
    return tally;
  } catch (error) {
    throw describeFsError(error, directory);
  } finally {
    filesystems.close();
  }
}

async function passWithCancel(
  archive: OpenArchive,
  parts: RestorerParts,
  { landings, signal }: { landings: Landings; signal: AbortSignal | undefined },
): Promise<Tally> {
  const passing = pass(parts, landings);
  // Files that wait for their names are taken away again by a stop that may get to its end.
  const cancel = (): void => {
    archive.pool.cancel();
    void settling(() => passing).catch(() => {}); // told below
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await passing;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

async function pass(parts: RestorerParts, landings: Landings): Promise<Tally> {
  await new Restorer(parts, landings).run(landings);
  return parts.tally;
}

async function partsOf(archive: OpenArchive, options: RestoreOptions, at: number): Promise<RestorerParts> {
  const mirror = options.delete ?? false;
  const overwrite = options.overwrite ?? (mirror ? 'if-different' : 'never');
  return {
    archive,
    at,
    rules: { overwrite, mirror, uid: process.geteuid?.() ?? 0, ignoresXattrs: archive.posix === null },
    link: options.link ?? false,
    dry: false,
    tally: new Tally(false),
    filesystems: new WrittenFilesystems(),
    suspects: await archive.contents().findings(''),
    totals: null,
    signal: options.signal,
    onProgress: options.onProgress ?? ignore,
    onMessage: options.onMessage ?? ignore,
  };
}

function refuseContradiction({ paths, overwrite, delete: mirror }: RestoreOptions): void {
  if (paths.length === 0) throw new HkfsError('USAGE', 'name what to restore', { hint: 'see `hkfs ls`' });
  if (mirror && overwrite === 'never')
    throw new HkfsError('USAGE', '--delete makes the target equal, --overwrite never keeps what differs', {
      hint: 'leave out one of them',
    });
}

function mayLose({ overwrite = 'never', delete: mirror }: RestoreOptions): boolean {
  return mirror === true || overwrite !== 'never';
}

function refuseTarget(archive: OpenArchive, options: RestoreOptions, directory: string): void {
  const there = nearestThere(directory);
  try {
    if (!options.dryRun) accessSync(toFsPath(there), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw describeFsError(error, there);
  }
  if (!options.link) return;
  if (lstatSync(toFsPath(there)).dev === lstatSync(archive.layout.objects).dev) return;
  throw new HkfsError('DIFFERENT_FILESYSTEM', `${there} is not on the archive's filesystem`, {
    hint: 'leave out --link to copy',
  });
}

/** The directory, or the nearest above it that is there. */
function nearestThere(directory: string): string {
  let there = directory;
  while (lstatOrNull(there) === null) there = parentPath(there);
  return there;
}

/** For a percentage: everything that is wanted, whether it is there already or not. */
async function totalsOf(
  archive: OpenArchive,
  { contentsOf, entries }: Landings,
  at: number,
): Promise<{ entries: number; bytes: number }> {
  const totals = { entries: 0, bytes: 0 };
  const namespace = archive.namespace(at);
  for (const start of contentsOf ? [contentsOf] : entries) {
    const below = start.entry.directoryId === null ? [start] : namespace.walk(start);
    for await (const { entry } of below) {
      totals.entries += 1;
      if (entry.kind === 'file' && entry.event.type === 'file.ingested') totals.bytes += entry.event.size;
    }
  }
  return totals;
}
