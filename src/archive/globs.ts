/**
 * Shell globs: `*` and `?` within a name, `**` across names, `[a-z]`, `[!a-z]`, `{a,b}`; dots and
 * newlines are ordinary.
 */
import picomatch from 'picomatch';

export type Matcher = (text: string) => boolean;

export function globMatcher(glob: string): Matcher {
  return picomatch(glob, { dot: true, posix: true, nonegate: true, flags: 's' });
}
