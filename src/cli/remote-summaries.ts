/** What backups and clones did, for people. */
import type { BackupSummary, CloneSummary, DamagedRow } from '../archive/api.js';
import { formatBytes, formatDuration, plural } from './format.js';
import { visibleName, visibleText } from './visible-name.js';

const ROOT_DIGITS = 16;

export function backupParagraph(summary: BackupSummary): string {
  const { remote, url, events, objects, bytes, size, root, seconds } = summary;
  const where = `${visibleText(remote)} (${visibleText(url)})`;
  if (summary.upToDate) return `${where} has everything, up to position ${size}.`;
  const what = `${plural(objects, 'object')} (${formatBytes(bytes)}) and ${plural(events, 'event')}`;
  if (summary.dryRun) return `Would send ${what} to ${where}.`;
  const lines = [
    `Sent ${what} to ${where} in ${formatDuration(seconds)}.`,
    `It has the first ${plural(size, 'event')} now, root ${root.slice(0, ROOT_DIGITS)}….`,
  ];
  return [...lines, ...damageLines('could not be sent', summary.damaged)].join('\n');
}

export function cloneParagraph(summary: CloneSummary): string {
  const { archive, id, size, root, key, objects, bytes, seconds } = summary;
  const what = summary.catalogue
    ? `the catalogue of archive ${id}`
    : `archive ${id}: ${plural(objects, 'object')} (${formatBytes(bytes)})`;
  const lines = [
    `Cloned ${what} to ${visibleName(archive)} in ${formatDuration(seconds)}.`,
    `Its head is ${plural(size, 'event')}, root ${root.slice(0, ROOT_DIGITS)}…, signed by ${key}.`,
  ];
  return [
    ...lines,
    ...damageLines('damaged at the remote', summary.damaged),
    ...damageLines('missing at the remote', summary.missing),
    ...summary.damagedFiles.map(({ name, reason }) => `  damaged  ${name}: ${visibleText(reason)}`),
  ].join('\n');
}

export function damageLines(what: string, rows: readonly DamagedRow[]): string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(({ hash, reason, paths }) => {
    const places = paths.length === 0 ? 'no path' : paths.map(visibleName).join(', ');
    return `  ${hash} (${visibleText(reason)}): ${places}`;
  });
  return [`${plural(rows.length, 'object')} ${what}:`, ...lines];
}
