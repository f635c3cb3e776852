/**
 * The queries that cross the holder's socket, once: what a client has for methods, what the holder answers, and
 * what either takes for an argument follows from this table. What is not in it cannot be asked.
 */
import { HkfsError } from '../../errors.js';
import type { ArchiveReader } from '../api.js';
import { count, either, fields, flag, hash, list, maybe, number, only, text, type Judge } from './judges.js';

export type Queries = Omit<ArchiveReader, 'root'>;
export type QueryMethod = keyof Queries;

export interface Request {
  readonly method: QueryMethod;
  readonly args: readonly unknown[];
}

interface Query<Gives extends 'rows' | 'one'> {
  readonly gives: Gives;
  readonly args: readonly Judge[];
}

type GivesOf<Method> = Method extends (...args: never[]) => Promise<unknown> ? 'one' : 'rows';

const AT = { at: maybe(text) };
const at = maybe(fields(AT));
const HEAD = fields({ size: count, root: hash });
const POSITION = fields({ position: count });
const SIMILAR = { min: maybe(number), missing: maybe(flag) };

export const QUERIES: { readonly [M in QueryMethod]: Query<GivesOf<Queries[M]>> } = {
  resolveMoment: one(maybe(text)),
  ls: rows(text, maybe(fields({ ...AT, recursive: maybe(flag) }))),
  stat: one(text, at),
  find: rows(
    fields({
      ...{ path: maybe(text), hash: maybe(text), name: maybe(text) },
      ...{ minSize: maybe(count), maxSize: maybe(count), kind: maybe(text) },
    }),
    at,
  ),
  locate: one(text, maybe(fields({ ...AT, everywhere: maybe(flag) }))),
  du: rows(text, maybe(fields({ ...AT, depth: maybe(count) }))),
  dups: rows(
    fields({
      ...{ path: maybe(text), kind: maybe(only('file', 'dir')), minSize: maybe(count), all: maybe(flag) },
      ...{ under: maybe(list(text)), against: maybe(list(text)), sameNames: maybe(flag) },
    }),
    at,
  ),
  unique: rows(text, maybe(fields({ ...AT, than: maybe(text) }))),
  log: rows(
    maybe(fields({ path: maybe(text), operation: maybe(count), from: maybe(count), limit: maybe(count) })),
  ),
  ops: rows(maybe(fields({ operation: maybe(count) }))),
  diff: rows(fields({ from: text, to: maybe(text), path: maybe(text) })),
  show: one(count, maybe(fields({ limit: maybe(count) }))),
  lookUp: rows(list(hash), maybe(fields({ ...AT, paths: maybe(flag) }))),
  contents: rows(at),
  similar: rows(
    either(
      fields({ is: only('path'), path: text, ...SIMILAR }),
      fields({
        is: only('outside'),
        contents: list(fields({ hash, size: count, files: count })),
        ...SIMILAR,
      }),
      fields({ is: only('all'), ...SIMILAR }),
    ),
    at,
  ),
  head: one(),
  signedHead: one(),
  prove: one(either(POSITION, fields({ since: either(HEAD, POSITION, fields({ checkpoint: text })) }))),
  tags: rows(),
  orphans: rows(at),
  remotes: rows(),
  copies: rows(maybe(fields({ path: maybe(text), min: maybe(count) }))),
};

export const QUERY_METHODS = Object.keys(QUERIES) as readonly QueryMethod[];

function one(...args: readonly Judge[]): Query<'one'> {
  return { gives: 'one', args };
}

function rows(...args: readonly Judge[]): Query<'rows'> {
  return { gives: 'rows', args };
}

/** @throws HkfsError USAGE for whatever is no query, or asks with what is no argument of it */
export function readRequest(line: string): Request {
  const { method, args } = parsed(line);
  if (!isMethod(method)) throw refused('this is no query');
  const judges = QUERIES[method].args;
  const given: readonly unknown[] = Array.isArray(args) ? args : [];
  if (!Array.isArray(args) || given.length > judges.length)
    throw refused(`${method} is asked with other arguments`);
  const isGood = judges.every((judge, index) => judge(given[index]));
  if (!isGood) throw refused(`${method} is asked with what is no argument of it`);
  return { method, args: given.map(withoutNulls) };
}

function parsed(line: string): { method?: unknown; args?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw refused('this is no question');
}

function isMethod(name: unknown): name is QueryMethod {
  return typeof name === 'string' && Object.hasOwn(QUERIES, name);
}

/** What was left out, also one field deep, where all that is optional stands. */
function withoutNulls(arg: unknown): unknown {
  if (arg === null) return undefined;
  if (typeof arg !== 'object' || Array.isArray(arg)) return arg;
  return Object.fromEntries(Object.entries(arg).filter(([, value]) => value !== null));
}

function refused(what: string): HkfsError {
  return new HkfsError('USAGE', `the process that holds the archive does not take it: ${what}`, {
    hint: 'both have to be hkfs, best of one version; or run the command when that process is done',
  });
}
