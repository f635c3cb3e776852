/** `mv`: one event, whatever is below. */
import { HkfsError } from '../../errors.js';
import type { Place } from '../../events/types.js';
import { baseName, isValidName, joinPath, normalizeTreePath } from '../../fs/names.js';
import type { Entry, NamedEntry, Namespace } from '../../projections/namespace.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePath } from '../queries/targets.js';
import { samePlace, type ChangePlan, type ChangeStep } from './change.js';

export interface MoveRequest {
  readonly from: string;
  readonly to: string;
  /** Replace a file that is in the way; it stays in history. */
  readonly force: boolean;
}

/**
 * Like mv: into an existing directory, else to the new name. Onto itself is no change.
 * @throws HkfsError NOT_FOUND, BAD_TARGET, BAD_PATH
 */
export async function planMove(
  archive: OpenArchive,
  request: MoveRequest,
): Promise<ChangePlan & { from: string; to: string }> {
  const namespace = archive.namespace();
  const source = await resolvePath(request.from, archive.layout.root, namespace);
  if (source.path === '') throw new HkfsError('BAD_TARGET', 'the root of an archive cannot be moved');
  const to = await targetPath(request.to, source, namespace);
  const args = [source.path, to];
  const plan = { command: 'mv', args, from: source.path, to };
  if (to === source.path) return { ...plan, steps: [] };
  if (`${to}/`.startsWith(`${source.path}/`))
    throw new HkfsError('BAD_TARGET', `/${source.path} cannot be moved into itself: /${to}`, {
      hint: 'choose a target outside of it',
    });
  const target = await placeOf(to, namespace);
  const existing = await namespace.entryAt(target);
  const steps: ChangeStep[] = [];
  if (existing) steps.push(replacement(existing, to, source.entry, request.force));
  const event = { type: 'path.renamed', from: placeOfEntry(source.entry), to: target } as const;
  if (samePlace(event.from, event.to)) return { ...plan, steps: [] };
  steps.push({ event, text: `rename ${source.path} to ${to}` });
  return { ...plan, steps };
}

async function targetPath(text: string, source: NamedEntry, namespace: Namespace): Promise<string> {
  const path = normalizeTreePath(text);
  const entry = await namespace.resolve(path);
  if (entry?.kind === 'directory' && path !== source.path) return joinPath(path, baseName(source.path));
  if (text.endsWith('/') && entry === undefined)
    throw new HkfsError('NOT_FOUND', `there is no directory /${path} in the archive`, {
      hint: 'leave out the slash at the end to give the entry this name',
    });
  return path;
}

/** The place of a path whose directory exists. @throws HkfsError NOT_FOUND, BAD_TARGET */
export async function placeOf(path: string, namespace: Namespace): Promise<Place> {
  const name = baseName(path);
  const parentPath = path === name ? '' : path.slice(0, -name.length - 1);
  const parent = await namespace.resolve(parentPath);
  if (parent === undefined)
    throw new HkfsError('NOT_FOUND', `there is no directory /${parentPath} in the archive`, {
      hint: 'the directory above the target has to be there',
    });
  if (parent.directoryId === null)
    throw new HkfsError('BAD_TARGET', `/${parentPath} is a ${parent.kind}`, { hint: 'name a directory' });
  if (!isValidName(name)) throw new HkfsError('BAD_PATH', `${JSON.stringify(name)} is no name`);
  return { parent: parent.directoryId, name };
}

function replacement(existing: Entry, path: string, source: Entry, force: boolean): ChangeStep {
  if (existing.kind === 'directory' || source.kind === 'directory')
    throw new HkfsError('BAD_TARGET', `/${path} is there already, a ${existing.kind}`, {
      hint: 'remove it first with `hkfs rm`; it stays in history',
    });
  if (!force)
    throw new HkfsError('BAD_TARGET', `/${path} is there already`, {
      hint: 'replace it with --force; what it is now stays in history',
    });
  return {
    event: { type: 'path.removed', ...placeOfEntry(existing) },
    text: `remove ${path}, which is in the way`,
  };
}

export function placeOfEntry({ parent, name }: Entry): Place {
  return { parent, name };
}
