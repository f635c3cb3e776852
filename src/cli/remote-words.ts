/** What the commands of remotes say to people. */
import type { AddRemoteSummary, RemoteRow, RemoveRemoteSummary } from '../archive/api.js';
import { formatRelative, plural } from './format.js';
import type { Column } from './table.js';
import { visibleName } from './visible-name.js';

export function remoteAddedText({ name, kind, url, conditionalWrites }: AddRemoteSummary): string {
  const place = { directory: 'the directory', s3: 'the S3 bucket', bundle: 'the bundle' }[kind];
  const note =
    conditionalWrites === false ? ' It does not protect what is there from being overwritten.' : '';
  const shown = visibleName(name);
  return `${shown} is ${place} ${visibleName(url)}.${note} Send to it with: hkfs backup ${shown}`;
}

export function remoteRemovedText({ name, url }: RemoveRemoteSummary): string {
  return `${visibleName(name)} is forgotten; what is at ${visibleName(url)} stays there.`;
}

export function remoteColumns(nowMs: number): readonly Column<RemoteRow>[] {
  return [
    { header: 'name', text: (row) => visibleName(row.name) },
    { header: 'kind', text: (row) => row.kind },
    { header: 'last backup', text: (row) => backupText(row, nowMs) },
    { header: 'url', text: (row) => visibleName(row.url) },
  ];
}

function backupText({ lastBackup }: RemoteRow, nowMs: number): string {
  if (lastBackup === null) return 'no backup yet';
  return `${plural(lastBackup.size, 'event')}, ${formatRelative(lastBackup.time, nowMs)}`;
}
