/**
 * Shell globs: `*` and `?` within a name, `**` across names, `[a-z]`, `[!a-z]`, `{a,b}`; dots and
 * newlines are ordinary.
 */
import picomatch from 'picomatch';
import { HkfsError } from '../errors.js';

export type Matcher = (text: string) => boolean;

const OPTIONS = { dot: true, posix: true, nonegate: true };
/** A character of two UTF-16 units. */
const PAIR = /[\uD800-\uDBFF][\uDC00-\uDFFF]/;

/** @throws HkfsError USAGE for an empty one */
export function globMatcher(glob: string): Matcher {
  if (glob === '')
    throw new HkfsError('USAGE', 'a glob is empty', { hint: "name what is to match, such as '*.o'" });
  const matches = picomatch(glob, { ...OPTIONS, flags: 's' });
  let byCharacter: RegExp | undefined;
  return (text) => {
    if (!PAIR.test(text)) return matches(text);
    byCharacter ??= characterwise(picomatch.makeRe(glob, { ...OPTIONS, flags: 's' }));
    return text === glob || byCharacter.test(text);
  };
}

/** Escapes that mean something; all others are refused by the regular expressions that know characters. */
const MEANINGFUL = /[\^$\\.*+?()[\]{}|/dDwWsSbBtnvfr0]/;

/** picomatch writes expressions over UTF-16 units, in which `?` matches half of an emoji. */
function characterwise(expression: RegExp): RegExp {
  const source = expression.source.replace(/\\([^])/g, (escape, character: string) =>
    MEANINGFUL.test(character) ? escape : character === '-' ? '\\x2d' : character,
  );
  try {
    return new RegExp(source, 'su');
  } catch (error) {
    // Such as a closing brace without an opening one.
    if (error instanceof SyntaxError) return expression;
    throw error;
  }
}
