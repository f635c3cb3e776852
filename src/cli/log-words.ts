import type { DiffRow, LogRow, OperationDetail, OperationRow } from '../archive/api.js';
import type { EventType } from '../events/types.js';
import { dim } from './colours.js';
import { formatBytes, formatCount, formatMinute, formatRelative, labelled, plural } from './format.js';
import { visibleName } from './visible-name.js';

type Fields = LogRow['data'];

const WORDS: Readonly<Record<EventType, (data: Fields) => string>> = {
  'archive.created': (data) => `archive ${text(data, 'archiveId')} created`,
  'operation.started': (data) =>
    `${text(data, 'command')} started by ${text(data, 'user')}@${text(data, 'host')}`,
  'operation.completed': () => 'operation completed',
  'operation.failed': (data) => `operation failed: ${text(data, 'reason')}`,
  'directory.added': (data) => `directory ${text(data, 'path')} added`,
  'file.ingested': (data) => `file ${text(data, 'path')} ingested, ${size(data)}`,
  'symlink.added': (data) => `symlink ${text(data, 'path')} -> ${text(data, 'target')} added`,
  'special.added': (data) => `${text(data, 'kind')} ${text(data, 'path')} added`,
  'attributes.changed': (data) => `attributes of ${text(data, 'path')} changed`,
  'path.renamed': (data) => `${text(data, 'from')} renamed to ${text(data, 'to')}`,
  'path.removed': (data) => `${text(data, 'path')} removed`,
  'path.restored': (data) => `${text(data, 'path')} restored as it was at @${text(data, 'at')}`,
  'paths.pruned': (data) =>
    `${plural(count(data, 'entries'), 'entry', 'entries')} proven to be kept elsewhere`,
  'object.stored': (data) => `object ${hash(data)} stored, ${size(data)}`,
  'object.relocated': (data) => `object ${hash(data)} found at another inode`,
  'object.removed': (data) =>
    `object ${hash(data)} removed, ${size(data)}${typeof data.lastPath === 'string' ? `, last at ${text(data, 'lastPath')}` : ''}`,
  'object.damaged': (data) => `object ${hash(data)} damaged: ${text(data, 'finding')}`,
  'object.healed': (data) => `object ${hash(data)} healed from ${text(data, 'from')}`,
  'objects.verified': (data) => `${plural(count(data, 'hashes'), 'object')} verified`,
  'tag.added': (data) => `tag ${text(data, 'tag')} given to @${text(data, 'position')}`,
  'tar.ingested': (data) => `tar ${text(data, 'name')} ingested as a tree, ${size(data)}`,
  'remote.added': (data) => `remote ${text(data, 'name')} added: ${text(data, 'url')}`,
  'remote.removed': (data) => `remote ${text(data, 'name')} removed`,
  'backup.completed': (data) =>
    `backup to ${text(data, 'remote')} completed up to @${count(data, 'size') - 1}: ${plural(count(data, 'objects'), 'object')} sent, ${formatBytes(count(data, 'bytes'))}`,
  'copies.verified': (data) =>
    `${plural(count(data, 'objects'), 'copy', 'copies')} at ${text(data, 'remote')} ${data['quick'] === true ? 'listed' : 'verified'}${found(data, 'damaged')}${found(data, 'missing')}${found(data, 'healed')}`,
};

function found(data: Fields, what: 'damaged' | 'missing' | 'healed'): string {
  const number = count(data, what);
  return number === 0 ? '' : `, ${formatCount(number)} ${what}`;
}

/** An event in plain words, on one line, below the line of its operation. */
export function describeEvent(row: LogRow): string {
  return `  ${dim(`@${row.position}`)}  ${WORDS[row.type](row.data)}`;
}

/** A header before the first event of each operation: who did it, when and by which command. */
export async function* eventLines(
  rows: AsyncIterable<LogRow>,
  operationOf: (operation: number) => Promise<OperationRow | null>,
  nowMs: number,
): AsyncGenerator<string> {
  let current: number | null = null;
  for await (const row of rows) {
    if (row.operation !== current) {
      const operation = row.operation === 0 ? null : await operationOf(row.operation);
      yield operation === null
        ? `op ${row.operation}  ${when(row.time, nowMs)}`
        : describeOperation(operation, nowMs);
      current = row.operation;
    }
    yield describeEvent(row);
  }
}

function when(iso: string, nowMs: number): string {
  return `${formatMinute(new Date(iso))} (${formatRelative(iso, nowMs)})`;
}

function text(data: Fields, field: string): string {
  const value = data[field];
  if (typeof value === 'string') return value === '' ? '/' : visibleName(value);
  return value === undefined || value === null ? '?' : JSON.stringify(value);
}

function size(data: Fields): string {
  return typeof data.size === 'number' ? formatBytes(data.size) : '?';
}

/** As many digits as name an object among 2^32 without a twin in practice. */
const SHORT_HASH = 16;

function hash(data: Fields): string {
  return text(data, 'hash').slice(0, SHORT_HASH);
}

function count(data: Fields, field: string): number {
  const value = data[field];
  return Array.isArray(value) ? value.length : Number(value ?? 0);
}

/** An operation on one line: number, when, by whom, what it was, how it ended, what it did. */
export function describeOperation(row: OperationRow, nowMs: number): string {
  const what = commandLine(row);
  const ending = row.status === 'completed' ? '' : ` [${endingOf(row)}]`;
  const counts = countsInWords(row.counts);
  const tail = counts === '' ? '' : dim(`  (${counts})`);
  return `op ${row.operation}  ${when(row.started, nowMs)}  ${who(row)}  ${what}${ending}${tail}`;
}

function commandLine({ command, args }: OperationRow): string {
  return [command, ...args].map(visibleName).join(' ');
}

function who({ user, host }: OperationRow): string {
  return visibleName(`${user}@${host}`);
}

function endingOf({ status, reason }: OperationRow): string {
  return reason === null || reason === status ? status : `${status}: ${visibleName(reason)}`;
}

/** Counts that are said in a way of their own, in the order in which they are said. */
const COUNTS: Readonly<Record<string, (count: number) => string>> = {
  files: (count) => plural(count, 'file'),
  bytes: (count) => formatBytes(count),
  directories: (count) => plural(count, 'directory', 'directories'),
  symlinks: (count) => plural(count, 'symlink'),
  specials: (count) => plural(count, 'special'),
  newObjects: (count) => plural(count, 'new content'),
  newBytes: (count) => `${formatBytes(count)} new`,
  duplicateFiles: (count) => plural(count, 'duplicate'),
  duplicateBytes: (count) => `${formatBytes(count)} duplicate`,
  unchangedFiles: (count) => `${formatCount(count)} unchanged`,
};

/** `6 files, 10.5 MiB, 4 new contents`; what is none is left out. */
function countsInWords(counts: OperationRow['counts']): string {
  const order = [...new Set([...Object.keys(COUNTS), ...Object.keys(counts)])];
  return order
    .filter((name) => (counts[name] ?? 0) !== 0)
    .map((name) => (COUNTS[name] ?? ((count) => `${formatCount(count)} ${inWords(name)}`))(counts[name]!))
    .join(', ');
}

/** `removedFiles` → `removed files`. */
function inWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** An operation in full: labelled lines, its events by type, and those that the row has. */
export function operationBlock(row: OperationDetail, options: { restFollows: boolean }): string {
  const types = Object.entries(row.types).sort(([, a], [, b]) => b - a);
  const left = options.restFollows ? 0 : row.last - row.first + 1 - row.events.length;
  return [
    ...labelled([
      ['operation', [String(row.operation)]],
      ['command', [commandLine(row)]],
      ['by', [who(row)]],
      ['sources', row.sources.map(visibleName)],
      ['started', [row.started]],
      ['ended', [row.ended ?? '-']],
      ['status', [endingOf(row)]],
      ['counts', [countsInWords(row.counts)]],
      ['positions', [`@${row.first} to @${row.last}`]],
      ['events', types.map(([type, count]) => `${formatCount(count)} ${type}`)],
    ]),
    '',
    ...row.events.map(describeEvent),
    ...(left > 0 ? [`  … and ${formatCount(left)} more; --all shows them`] : []),
  ].join('\n');
}

/** An event in full, with who did it. */
export function eventBlock(row: LogRow, operation: OperationRow | null): string {
  const { path, from, to, ...others } = row.data;
  const named = { path, from, to, ...others };
  const fields = Object.entries(named)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        [name, [typeof value === 'string' ? visibleName(value) : JSON.stringify(value)]] as const,
    );
  return labelled([
    ['position', [`@${row.position}`]],
    ['time', [row.time]],
    [
      'operation',
      [operation === null ? String(row.operation) : `${row.operation}: ${commandLine(operation)}`],
    ],
    ['by', operation === null ? [] : [who(operation)]],
    ['type', [row.type]],
    ['in words', [WORDS[row.type](row.data)]],
    ...fields,
  ]).join('\n');
}

const LETTERS: Readonly<Record<DiffRow['change'], string>> = {
  added: 'A',
  removed: 'D',
  renamed: 'R',
  changed: 'M',
  attributes: 'm',
};

/** One change as `git diff --name-status` writes it; `m` is for attributes alone. */
export function describeDifference({ change, path, from }: DiffRow): string {
  const name = (path: string): string => (path === '' ? '/' : visibleName(path));
  return `${LETTERS[change]}  ${from === null ? '' : `${name(from)} -> `}${name(path)}`;
}
