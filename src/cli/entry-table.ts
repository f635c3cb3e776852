import type { AcrossRow, DuRow, EntryRow, StatRow } from '../archive/api.js';
import { paintByKind } from './colours.js';
import { formatBytes, formatCount, formatMode, formatMtime, labelled, plural } from './format.js';
import type { Column } from './table.js';
import { visibleName } from './visible-name.js';

/** The columns of `ls -l`. */
export const ENTRY_COLUMNS: readonly Column<EntryRow>[] = [
  { header: 'mode', text: (row) => formatMode(row.kind, row.mode) },
  { header: 'user', text: (row) => visibleName(row.user ?? String(row.uid)) },
  { header: 'group', text: (row) => visibleName(row.group ?? String(row.gid)) },
  { header: 'size', text: (row) => row.device ?? (row.size === null ? '-' : String(row.size)), right: true },
  { header: 'modified', text: (row) => formatMtime(row.mtimeNs) },
  { header: 'name', text: nameOf, paint: (cell, row) => paintByKind(cell, row.kind) },
];

/** The columns of `find --remote`. */
export const ACROSS_COLUMNS: readonly Column<AcrossRow>[] = [
  { header: 'archive', text: (row) => row.archive.slice(0, 8) },
  { header: 'host', text: (row) => visibleName(row.host ?? '-') },
  ...ENTRY_COLUMNS,
];

function nameOf(row: EntryRow): string {
  const name = row.path === '' ? '/' : visibleName(row.path);
  return row.target === null ? name : `${name} -> ${visibleName(row.target)}`;
}

export const DU_COLUMNS: readonly Column<DuRow>[] = [
  { header: 'bytes', text: (row) => formatBytes(row.bytes), right: true },
  { header: 'unique', text: (row) => `${formatBytes(row.uniqueBytes)} unique`, right: true },
  { header: 'shared', text: (row) => `${formatBytes(row.sharedBytes)} shared`, right: true },
  { header: 'files', text: (row) => plural(row.files, 'file'), right: true },
  { header: 'path', text: (row) => (row.path === '' ? '/' : visibleName(row.path)) },
];

/** All about a content or an entry, as a block of lines. */
export function statBlock(row: StatRow): string {
  const { entry } = row;
  const lines: (readonly [label: string, values: readonly string[]])[] = [
    ['path', entry === undefined ? [] : [entry.path === '' ? '/' : visibleName(entry.path)]],
    ['kind', entry === undefined ? [] : [entry.kind]],
    ['target', entry?.target ? [visibleName(entry.target)] : []],
    ['mode', entry === undefined ? [] : [`${formatMode(entry.kind, entry.mode)} ${ownerOf(entry)}`]],
    ['modified', entry === undefined ? [] : [formatMtime(entry.mtimeNs)]],
    ['xattrs', entry === undefined ? [] : Object.keys(entry.xattrs).map(visibleName)],
    ['size', row.size === null ? [] : [plural(row.size, 'byte')]],
    ['hash', row.hash === null ? [] : [row.hash]],
    ['inodes', row.inodes.map(({ device, inode }) => `${inode} on device ${device}`)],
    ['links', row.inodes.length === 0 ? [] : [formatCount(row.links)]],
    ['paths', row.paths.map(visibleName)],
    ['was at', row.pastPaths.map(visibleName)],
    ['stored', row.firstStored === null ? [] : [row.firstStored]],
    ['verified', row.hash === null ? [] : [row.lastVerified ?? 'never']],
    ['copies', row.copies.map(copyText)],
  ];
  return labelled(lines).join('\n');
}

function copyText({ remote, state, verified }: StatRow['copies'][number]): string {
  return `${state} at ${visibleName(remote)}, ${verified === null ? 'never read there' : `last read ${verified}`}`;
}

function ownerOf(entry: EntryRow): string {
  return `${visibleName(entry.user ?? String(entry.uid))}:${visibleName(entry.group ?? String(entry.gid))}`;
}
