import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';

import { errnoOf, HkfsError } from '../../src/errors.js';
import { describeFsError } from '../../src/fs/errors.js';

function systemError(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: something`), { code, ...(path ? { path } : {}) });
}

test.each([
  ['ENOSPC', 'NO_SPACE'],
  ['EDQUOT', 'NO_SPACE'],
  ['EROFS', 'READ_ONLY'],
  ['EACCES', 'NO_PERMISSION'],
  ['EPERM', 'NO_PERMISSION'],
  ['EIO', 'IO_ERROR'],
  ['ENOTDIR', 'NOT_A_DIRECTORY'],
  ['ELOOP', 'BAD_PATH'],
  ['ENAMETOOLONG', 'BAD_PATH'],
  ['EISDIR', 'NOT_A_FILE'],
  ['EXDEV', 'DIFFERENT_FILESYSTEM'],
  ['EBUSY', 'BAD_TARGET'],
  ['EMFILE', 'NO_RESOURCES'],
  ['ENOSYS', 'NOT_SUPPORTED'],
])('%s stops a command as %s, with a hint, the path and its cause', (errno, code) => {
  const cause = systemError(errno);
  const error = describeFsError(cause, '/archive') as HkfsError;
  expect(error).toBeInstanceOf(HkfsError);
  expect({ code: error.code, cause: error.cause }).toEqual({ code, cause });
  expect(error.message).toMatch(/^\/archive: /);
  expect(error.hint).toMatch(/\.$/);
});

test.each([
  [-122, 'NO_SPACE'],
  [-116, 'IO_ERROR'],
  [-117, 'IO_ERROR'],
  [-74, 'IO_ERROR'],
  [-999, 'IO_ERROR'],
])(
  'errno %d, which Node has no name for, is known by its number and stops a command as %s',
  (number, code) => {
    const cause = systemError(`Unknown system error ${number}`);
    expect(describeFsError(cause, '/archive')).toMatchObject({ name: 'HkfsError', code });
    // Across threads it goes by the name.
    expect(describeFsError(systemError(errnoOf(cause)!), '/archive')).toMatchObject({ code });
  },
);

test("the error's own path is named before the caller's", () => {
  expect((describeFsError(systemError('EIO', '/own'), '/other') as Error).message).toMatch(/^\/own: /);
});

test.each([systemError('ENOENT'), systemError('EMLINK'), new Error('bug'), undefined, 'text', null])(
  '%p passes unchanged',
  (error) => expect(describeFsError(error, '/x')).toBe(error),
);

test('an error of node:fs itself is described', () => {
  let thrown: unknown;
  try {
    readFileSync('/dev/null/x');
  } catch (error) {
    thrown = error;
  }
  expect(describeFsError(thrown)).toMatchObject({
    code: 'NOT_A_DIRECTORY',
    message: '/dev/null/x: not a directory',
  });
});
