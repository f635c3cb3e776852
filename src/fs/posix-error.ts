import { getSystemErrorMap } from 'node:util';

import { errnoName } from '../errors.js';
import { nameFromBytes, type FsPath } from './names.js';

/** What failed, as node:fs names it. */
export interface FailedCall {
  readonly syscall: string;
  readonly path?: FsPath;
}

/** The error of a libc call, of the same shape as node:fs's own: code, errno, syscall, path. */
export function posixError(number: number, call: FailedCall): NodeJS.ErrnoException {
  const code = errnoName(number);
  const reason = getSystemErrorMap().get(-number)?.[1] ?? 'system error';
  const path = typeof call.path === 'string' || !call.path ? call.path : nameFromBytes(call.path);
  const where = path === undefined ? '' : ` '${path}'`;
  const error: NodeJS.ErrnoException = new Error(`${code}: ${reason}, ${call.syscall}${where}`);
  return Object.assign(
    error,
    { code, errno: -number, syscall: call.syscall },
    path === undefined ? {} : { path },
  );
}
