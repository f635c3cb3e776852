/** `mv`: one event, whatever is below. */
import { HkfsError } from '../../errors.js';
import type { Place } from '../../events/types.js';
import { treePath } from '../../fs/confined-path.js';
import { readMounts } from '../../fs/mounts.js';
import { baseName, isValidName, joinPath, normalizeTreePath, parentPath, realPath } from '../../fs/names.js';
import type { Entry, NamedEntry, Namespace } from '../../projections/namespace.js';
import { TreeProjection } from '../../projections/tree.js';
import type { MoveOptions, MoveSummary } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePathAt } from '../queries/past-paths.js';
import { execute, placeOfEntry, textsOf, type ChangeOptions, type ChangePlan } from './change.js';
import { isFree } from './on-disk.js';

export interface MovePlan extends ChangePlan {
  readonly from: string;
  readonly to: string;
}

export async function move(
  archive: OpenArchive,
  options: MoveOptions,
  change: ChangeOptions,
): Promise<MoveSummary> {
  const plan = await planMove(archive, options);
  const { from, to } = plan;
  if (options.dryRun) return { operation: null, from, to, dryRun: true, plan: textsOf(plan) };
  if (plan.steps.length === 0) return { operation: null, from, to };
  return { ...(await execute(archive, plan, { ...change, counts: { renamed: 1 } })), from, to };
}

/**
 * Like mv: into an existing directory, else to the new name. Onto itself is no change.
 * @throws HkfsError NOT_FOUND, BAD_TARGET, BAD_PATH
 */
export async function planMove(archive: OpenArchive, request: MoveOptions): Promise<MovePlan> {
  const namespace = archive.namespace();
  const source = await resolvePathAt(archive, request.from);
  if (source.path === '')
    throw new HkfsError('BAD_TARGET', 'the root of an archive cannot be moved', {
      hint: 'name what is in it',
    });
  const to = await targetPath(request.to, source, namespace);
  const plan = { command: 'mv', args: [source.path, to], from: source.path, to };
  if (to === source.path) return { ...plan, steps: [] };
  if (to.startsWith(`${source.path}/`))
    throw new HkfsError('BAD_TARGET', `/${source.path} cannot be moved into itself: /${to}`, {
      hint: 'choose a target outside of it',
    });
  const target = await placeOf(to, namespace);
  const existing = await namespace.entryAt(target);
  if (existing) checkReplacement(existing, to, { entry: source.entry, force: request.force ?? false });
  checkDisk(archive, { from: source.path, to }, existing);
  const event = { type: 'path.renamed', from: placeOfEntry(source.entry), to: target } as const;
  const replacing = existing ? `, in place of the ${existing.kind} there` : '';
  return { ...plan, steps: [{ event, text: `rename ${source.path} to ${to}${replacing}` }] };
}

async function targetPath(text: string, source: NamedEntry, namespace: Namespace): Promise<string> {
  const path = normalizeTreePath(text);
  const entry = await namespace.resolve(path);
  if (entry?.kind === 'directory' && path !== source.path) return joinPath(path, baseName(source.path));
  if (entry === undefined && text.endsWith('/') && source.entry.kind !== 'directory')
    throw new HkfsError('NOT_FOUND', `there is no directory /${path} in the archive`, {
      hint: 'leave out the slash at the end to give the entry this name',
    });
  if (entry !== undefined && entry.kind !== 'directory' && text.endsWith('/'))
    throw new HkfsError('BAD_TARGET', `/${path} is a ${entry.kind}`, { hint: 'name a directory' });
  return path;
}

/** The place of a path whose directory exists. @throws HkfsError NOT_FOUND, BAD_TARGET */
async function placeOf(path: string, namespace: Namespace): Promise<Place> {
  const name = baseName(path);
  const above = parentPath(path);
  const parent = await namespace.resolve(above);
  if (parent === undefined)
    throw new HkfsError('NOT_FOUND', `there is no directory /${above} in the archive`, {
      hint: 'the directory above the target has to be there',
    });
  if (parent.directoryId === null)
    throw new HkfsError('BAD_TARGET', `/${above} is a ${parent.kind}`, { hint: 'name a directory' });
  if (!isValidName(name)) throw new HkfsError('BAD_PATH', `${JSON.stringify(name)} is no name`);
  return { parent: parent.directoryId, name };
}

function checkReplacement(existing: Entry, path: string, moved: { entry: Entry; force: boolean }): void {
  if (existing.kind === 'directory' || moved.entry.kind === 'directory')
    throw new HkfsError('BAD_TARGET', `/${path} is there already, a ${existing.kind}`, {
      hint: 'remove it first with `hkfs rm`; it stays in history',
    });
  if (!moved.force)
    throw new HkfsError('BAD_TARGET', `/${path} is there already`, {
      hint: 'replace it with --force; what it is now stays in history',
    });
}

/** Before anything is written: the rename on the disk would leave alone what a person put there. */
function checkDisk(
  archive: OpenArchive,
  { from, to }: { from: string; to: string },
  existing: Entry | undefined,
): void {
  const { root, objects } = archive.layout;
  refuseMounted(root, from);
  refuseMounted(root, to);
  const tree = new TreeProjection(archive.views.level, root, objects, archive.since);
  if (isFree(treePath(root, to), existing ? tree.previousOf(existing) : null)) return;
  throw new HkfsError('BAD_TARGET', `on the disk something else is at /${to}, which hkfs did not put there`, {
    hint: 'move it away, or adopt it with `hkfs sync`',
  });
}

/** The kernel renames nothing that something is mounted on. */
function refuseMounted(root: string, path: string): void {
  const full = joinPath(realPath(root), path);
  if (!readMounts().some(({ point }) => point === full)) return;
  throw new HkfsError('BAD_TARGET', `something is mounted at /${path}`, { hint: 'unmount it first' });
}
