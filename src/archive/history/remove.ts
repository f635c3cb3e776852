/** `rm`: one event for each path, whatever is below; no object goes. */
import { HkfsError } from '../../errors.js';
import type { RemoveOptions, RemoveSummary } from '../api.js';
import { isBelowAny } from '../../fs/names.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePathAt } from '../queries/past-paths.js';
import {
  execute,
  isConfirmed,
  placeOfEntry,
  textsOf,
  type ChangeOptions,
  type ChangePlan,
  type ChangeStep,
} from './change.js';

export async function remove(
  archive: OpenArchive,
  options: RemoveOptions,
  change: ChangeOptions,
): Promise<RemoveSummary> {
  const plan = await planRemoval(archive, options.paths);
  const { removed } = plan;
  if (options.dryRun) return { operation: null, removed, dryRun: true, plan: textsOf(plan) };
  if (!(await isConfirmed(plan, options))) return { operation: null, removed: [] };
  return {
    ...(await execute(archive, plan, { ...change, counts: { removed: removed.length } })),
    removed,
  };
}

/** Paths below others that are removed as well are left out. @throws HkfsError NOT_FOUND, BAD_TARGET, BAD_PATH */
export async function planRemoval(
  archive: OpenArchive,
  paths: readonly string[],
): Promise<ChangePlan & { removed: string[] }> {
  const named = new Map<string, ChangeStep>();
  for (const text of paths) {
    const { path, entry } = await resolvePathAt(archive, text);
    if (path === '')
      throw new HkfsError('BAD_TARGET', 'the root of an archive cannot be removed', {
        hint: 'name what is in it',
      });
    const what = entry.kind === 'directory' ? `${path}/ and everything below` : path;
    named.set(path, { event: { type: 'path.removed', ...placeOfEntry(entry) }, text: `remove ${what}` });
  }
  const outermost = [...named].filter(([path]) => !isBelowAny(path, named));
  const removed = outermost.map(([path]) => path);
  return { command: 'rm', args: removed, steps: outermost.map(([, step]) => step), removed };
}
