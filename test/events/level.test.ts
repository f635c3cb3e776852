import { expect, test } from '@jest/globals';
import { explainLevelError } from '../../src/events/level.js';

/** What classic-level throws where making the database's folder fails: in Node's words, not in LevelDB's. */
function failedToOpen(message: string): Error {
  const cause = Object.assign(new Error(`${message}, mkdir '/a/.hkfs/log'`), { code: message.split(':')[0] });
  return Object.assign(new Error('Database failed to open', { cause }), { code: 'LEVEL_DATABASE_NOT_OPEN' });
}

test.each([
  ['ENOSPC: no space left on device', 'NO_SPACE'],
  ['EDQUOT: disk quota exceeded', 'NO_SPACE'],
  ['EROFS: read-only file system', 'READ_ONLY'],
  ['EACCES: permission denied', 'NO_PERMISSION'],
])('a folder that cannot be made is told by its reason: %s', (message, code) => {
  expect(explainLevelError(failedToOpen(message), '/a/.hkfs')).toMatchObject({ code });
});
