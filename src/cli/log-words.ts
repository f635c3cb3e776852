import type { LogRow, OperationRow } from '../archive/api.js';
import type { EventType } from '../events/types.js';
import { dim } from './colours.js';
import { formatBytes, formatCount, formatMinute, formatRelative, plural } from './format.js';
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
  'object.stored': (data) => `object ${hash(data)} stored, ${size(data)}`,
  'object.relocated': (data) => `object ${hash(data)} found at another inode`,
  'object.removed': (data) => `object ${hash(data)} removed, ${size(data)}`,
  'object.damaged': (data) => `object ${hash(data)} damaged: ${text(data, 'finding')}`,
  'object.healed': (data) => `object ${hash(data)} healed from ${text(data, 'from')}`,
  'objects.verified': (data) => `${plural(count(data, 'hashes'), 'object')} verified`,
  'tag.added': (data) => `tag ${text(data, 'tag')} given to @${text(data, 'position')}`,
};

/** An event in plain words, on one line. */
export function describeEvent(row: LogRow): string {
  const time = formatMinute(new Date(row.time));
  return `${dim(`@${row.position}  ${time}  op ${row.operation}`)}  ${WORDS[row.type](row.data)}`;
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

/** An operation on one line: number, when, how it ended, what it was, what it did. */
export function describeOperation(row: OperationRow, nowMs: number): string {
  const what = [row.command, ...row.args].map(visibleName).join(' ');
  const counts = Object.entries(row.counts)
    .filter(([, value]) => value !== 0)
    .map(
      ([name, value]) =>
        `${name} ${name.toLowerCase().endsWith('bytes') ? formatBytes(value) : formatCount(value)}`,
    );
  const ending =
    row.status === 'completed' ? '' : ` [${row.status}${row.reason === null ? '' : `: ${row.reason}`}]`;
  const tail = counts.length === 0 ? '' : dim(`  (${counts.join(', ')})`);
  return `op ${row.operation}  ${formatRelative(row.started, nowMs)}  ${what}${ending}${tail}`;
}
