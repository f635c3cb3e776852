/** What a prune should do to a plain map, found by looking at everything. */
import { baseName } from '../../src/fs/names.js';
import { hashOf, type Model, type ModelEntry } from './archive-model.js';

export interface Pruned {
  /** What must not go. */
  readonly refusing: readonly string[];
  /** Without what may go; null where nothing may. */
  readonly after: Model | null;
  /** Every entry that goes and is no directory. */
  readonly gone: readonly string[];
}

interface Asked {
  readonly toHistory: boolean;
  readonly keepUnique: boolean;
}

/** Each path goes or stays for itself, and none keeps anything of another. */
export function afterPrune(before: Model, { paths, ...asked }: Asked & { paths: readonly string[] }): Pruned {
  const isGoing = (other: string): boolean => paths.some((path) => isAtOrBelow(other, path));
  const outside = [...before].filter(([other]) => !isGoing(other));
  const starts = [...new Set(paths)].filter(
    (path) => !paths.some((other) => other !== path && isAtOrBelow(path, other)),
  );
  const each = starts.map((path) => afterOne(before, { path, outside, ...asked }));
  const gone = each.filter(({ after }) => after !== null);
  return {
    refusing: each.flatMap(({ refusing }) => refusing),
    gone: gone.flatMap((one) => one.gone),
    after:
      gone.length === 0
        ? null
        : new Map([...before].filter(([other]) => gone.every(({ after }) => after!.has(other)))),
  };
}

function afterOne(
  before: Model,
  {
    path,
    outside,
    toHistory,
    keepUnique,
  }: Asked & { path: string; outside: readonly [string, ModelEntry][] },
): Pruned {
  const below = [...before].filter(([other]) => isAtOrBelow(other, path));
  const elsewhere = new Set(outside.flatMap(([other, entry]) => [...signaturesOf(other, entry)]));
  const leaves = below.filter(([, { kind }]) => kind !== 'directory');
  const mayGo = ([other, entry]: [string, ModelEntry]): boolean =>
    entry.content?.length === 0 ||
    (toHistory && entry.content !== null) ||
    [...signaturesOf(other, entry)].some((signature) => elsewhere.has(signature));
  const refusing = leaves.filter((leaf) => !mayGo(leaf)).map(([other]) => other);
  const gone = leaves.filter(mayGo).map(([other]) => other);
  if (refusing.length > 0 && (!keepUnique || gone.length === 0)) return { refusing, after: null, gone: [] };
  const whole = below
    .filter(([, { kind }]) => kind === 'directory')
    .map(([other]) => other)
    .filter((directory) => !refusing.some((other) => isAtOrBelow(other, directory)))
    .filter((directory) => directory === path || gone.some((other) => isAtOrBelow(other, directory)));
  const goes = (other: string): boolean =>
    gone.includes(other) || whole.some((directory) => isAtOrBelow(other, directory));
  return { refusing, gone, after: new Map([...before].filter(([other]) => !goes(other))) };
}

function* signaturesOf(path: string, { kind, content, target }: ModelEntry): Generator<string> {
  if (content !== null && content.length > 0) yield `content ${hashOf(content)}`;
  else if (kind === 'symlink') yield `symlink ${baseName(path)} ${target}`;
  else if (kind !== 'directory' && kind !== 'file') yield `${kind} ${baseName(path)}`;
}

export function isAtOrBelow(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`);
}
