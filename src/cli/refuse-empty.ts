import { HkfsError } from '../errors.js';
import type { ParserOutput } from './oclif.js';

/**
 * No argument and no value of a flag means anything when it is empty: it is what a variable leaves that is not
 * set. As a path it would be the present directory, and `ingest "$UNSET" --mode move` would empty that.
 * @throws HkfsError USAGE
 */
export function refuseEmpty(tokens: ParserOutput['raw']): void {
  const empty = tokens.find(({ input }) => input === '');
  if (empty === undefined) return;
  const what = empty.type === 'flag' ? `--${empty.flag}` : (empty.arg ?? 'argument').toUpperCase();
  throw new HkfsError('USAGE', `${what} is empty`, {
    hint: 'a variable that is not set? The present directory is written as a dot, the root of the archive as /',
  });
}
