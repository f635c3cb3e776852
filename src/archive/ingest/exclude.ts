/**
 * `--exclude GLOB`, as in gitignore: a glob without a slash is matched against names, one with a slash
 * against paths from the source, or from the root of the file system; one that ends with a slash means
 * directories only. What is below an excluded directory is not looked at.
 */
import { joinPath } from '../../fs/names.js';
import type { Message } from '../api.js';
import { globMatcher, type Matcher } from '../globs.js';

export interface Candidate {
  readonly name: string;
  readonly isDirectory: boolean;
  /** What it is in, from the source's root, without a leading slash. */
  readonly below: string;
  /** The same from the root of the file system; absent for members of a tar. */
  readonly directory?: string;
}

export type IsExcluded = (candidate: Candidate) => boolean;

export interface Exclusion {
  /** Null where nothing is left out: then nobody has to make a candidate of each entry. */
  readonly isExcluded: IsExcluded | null;
  /** Globs that have matched nothing so far, as they were given: a slip of the hand, often. */
  unmatched(): string[];
}

interface Pattern {
  readonly glob: string;
  readonly matches: Matcher;
  readonly ofNames: boolean;
  readonly ofDirectories: boolean;
  /** Begins with a slash. */
  readonly isRooted: boolean;
}

/** @throws HkfsError USAGE for an empty glob */
export function exclusionOf(globs: readonly string[]): Exclusion {
  const patterns = globs.map(patternOf);
  const unmatched = new Set(patterns);
  const isExcluded: IsExcluded = (candidate) => {
    for (const pattern of patterns)
      if (matches(pattern, candidate)) {
        unmatched.delete(pattern);
        return true;
      }
    return false;
  };
  return {
    isExcluded: patterns.length === 0 ? null : isExcluded,
    unmatched: () => [...unmatched].map(({ glob }) => glob),
  };
}

export function tellUnmatched(exclusion: Exclusion, onMessage: (message: Message) => void): void {
  for (const glob of exclusion.unmatched()) {
    const text = `--exclude ${glob} matched nothing: a glob with a slash is a path from the source`;
    onMessage({ level: 'warning', code: 'EXCLUDES_NOTHING', text });
  }
}

function patternOf(glob: string): Pattern {
  const text = glob.replace(/(?<=.)\/+$/, '');
  return {
    glob,
    matches: globMatcher(text.replace(/^\/+(?=.)/, '')),
    ofNames: !text.includes('/'),
    ofDirectories: text !== glob,
    isRooted: text.startsWith('/'),
  };
}

function matches(pattern: Pattern, { name, isDirectory, below, directory }: Candidate): boolean {
  if (pattern.ofDirectories && !isDirectory) return false;
  if (pattern.ofNames) return pattern.matches(name);
  if (pattern.matches(joinPath(below, name))) return true;
  return pattern.isRooted && directory !== undefined && pattern.matches(joinPath(directory, name).slice(1));
}
