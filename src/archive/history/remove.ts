/** `rm`: one event for each path, whatever is below; no object goes. */
import { HkfsError } from '../../errors.js';
import type { OpenArchive } from '../open-archive.js';
import { resolvePath } from '../queries/targets.js';
import type { ChangePlan, ChangeStep } from './change.js';
import { placeOfEntry } from './move.js';

/** Paths below others that are removed as well are left out. @throws HkfsError NOT_FOUND, BAD_TARGET, BAD_PATH */
export async function planRemoval(
  archive: OpenArchive,
  paths: readonly string[],
): Promise<ChangePlan & { paths: string[] }> {
  const namespace = archive.namespace();
  const named = new Map<string, ChangeStep>();
  for (const text of paths) {
    const { path, entry } = await resolvePath(text, archive.layout.root, namespace);
    if (path === '')
      throw new HkfsError('BAD_TARGET', 'the root of an archive cannot be removed', { hint: 'name what is in it' });
    named.set(path, { event: { type: 'path.removed', ...placeOfEntry(entry) }, text: `remove ${path}` });
  }
  const outermost = [...named].filter(([path]) => !isBelowAny(path, named));
  return {
    command: 'rm',
    args: [...named.keys()],
    steps: outermost.map(([, step]) => step),
    paths: outermost.map(([path]) => path),
  };
}

function isBelowAny(path: string, named: ReadonlyMap<string, unknown>): boolean {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (named.has(path.slice(0, at))) return true;
  return false;
}
