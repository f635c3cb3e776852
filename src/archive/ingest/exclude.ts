/** `--exclude GLOB`: a glob without a slash is matched against names, one with a slash against paths. */
import { globMatcher } from '../globs.js';

/** @param relativePath from the source's root, without a leading slash */
export type IsExcluded = (relativePath: string, name: string) => boolean;

export function excluder(globs: readonly string[]): IsExcluded {
  if (globs.length === 0) return () => false;
  const byName = globs
    .filter((glob) => !withoutEnd(glob).includes('/'))
    .map((glob) => globMatcher(withoutEnd(glob)));
  const byPath = globs
    .filter((glob) => withoutEnd(glob).includes('/'))
    .map((glob) => globMatcher(withoutEnd(glob).replace(/^\/+/, '')));
  return (path, name) => byName.some((match) => match(name)) || byPath.some((match) => match(path));
}

function withoutEnd(glob: string): string {
  return glob.replace(/\/+$/, '');
}
