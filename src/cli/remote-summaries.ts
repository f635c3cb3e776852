/** What backups and clones did, for people. */
import type {
  BackupSummary,
  BundleSummary,
  CloneSummary,
  CompactSummary,
  DamagedRow,
  FetchSummary,
  PullSummary,
} from '../archive/api.js';
import { formatBytes, formatDuration, plural } from './format.js';
import { openLine } from './open-words.js';
import { visibleName, visibleText } from './visible-name.js';

const ROOT_DIGITS = 16;

export function backupParagraph(summary: BackupSummary): string {
  const { remote, url, events, objects, bytes, size, root, seconds } = summary;
  const where = `${visibleText(remote)} (${visibleText(url)})`;
  const lost = damageLines('not at the remote', summary.damaged);
  if (summary.upToDate && lost.length === 0) return `${where} has everything, up to position ${size}.`;
  if (summary.upToDate)
    return [`${where} has all events up to position ${size}, but not all contents.`, ...lost].join('\n');
  const what = `${plural(objects, 'object')} (${formatBytes(bytes)}) and ${plural(events, 'event')}`;
  if (summary.dryRun) return [`Would send ${what} to ${where}.`, ...lost].join('\n');
  const lines = [
    `Sent ${what} to ${where} in ${formatDuration(seconds)}.`,
    `It has the first ${plural(size, 'event')} now, root ${root.slice(0, ROOT_DIGITS)}….`,
  ];
  return [...lines, ...lost].join('\n');
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
    ...(summary.openToOthers ? [openLine(archive)] : []),
    ...lostLines(summary),
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

export function pullParagraph(summary: PullSummary): string {
  const { url, size, root, events, objects, bytes, seconds } = summary;
  if (summary.upToDate)
    return `${visibleText(url)} has nothing new: ${plural(size, 'event is', 'events are')} here.`;
  return [
    `Fetched ${plural(objects, 'object')} (${formatBytes(bytes)}) and ${plural(events, 'event')} from ${visibleText(url)} in ${formatDuration(seconds)}.`,
    `The head is ${plural(size, 'event')}, root ${root.slice(0, ROOT_DIGITS)}….`,
    ...lostLines(summary),
  ].join('\n');
}

export function fetchParagraph(summary: FetchSummary): string {
  const { objects, bytes, already, seconds } = summary;
  const done = `Fetched ${plural(objects, 'object')} (${formatBytes(bytes)}) in ${formatDuration(seconds)}; ${plural(already, 'object was', 'objects were')} here.`;
  return [done, ...lostLines(summary)].join('\n');
}

export function bundleParagraph(summary: BundleSummary): string {
  const { file, since, events, objects, bytes, seconds } = summary;
  const need =
    since.size === 0 ? 'It is whole.' : `It needs a clone with ${plural(since.size, 'event')} or more.`;
  return [
    `Wrote ${plural(objects, 'object')} (${formatBytes(bytes)}) and ${plural(events, 'event')} to ${visibleName(file)} in ${formatDuration(seconds)}. ${need}`,
    ...damageLines('could not be bundled', summary.damaged),
  ].join('\n');
}

export function compactParagraph({ remote, before, after, removed, dryRun }: CompactSummary): string {
  const files = plural(removed, 'file');
  return dryRun
    ? `Would make ${after} log segments out of ${before} at ${visibleText(remote)}, removing ${files}.`
    : `${visibleText(remote)} has ${plural(after, 'log segment')} now, it had ${before}; ${files} removed.`;
}

function lostLines({ damaged, missing }: Pick<CloneSummary, 'damaged' | 'missing'>): string[] {
  return [...damageLines('damaged at the remote', damaged), ...damageLines('missing at the remote', missing)];
}
