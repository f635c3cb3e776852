/** What prune, orphans and gc say to people. */
import type { GcSummary, OrphanRow, OrphanStay, PruneSummary, RefusalRow } from '../archive/api.js';
import { dryRunText, sayOperation } from './change-words.js';
import { formatBytes, formatCount, formatMinute, plural } from './format.js';
import type { Column } from './table.js';
import { visibleName, visibleText } from './visible-name.js';

export function pruneText(summary: PruneSummary): string {
  const { operation, removedFiles, removedBytes, removed, refusing, plan } = summary;
  const isPartial = removed.length > 0;
  const lines = plan === undefined || refusedWhole(summary) ? [] : [dryRunText(plan)];
  if (operation !== null)
    lines.push(
      `Removed ${plural(removedFiles, 'file')} (${formatBytes(removedBytes)}); ` +
        `each is kept elsewhere, see \`hkfs show ${operation}\`. ${sayOperation(operation)}`,
    );
  else if (plan === undefined || refusedWhole(summary)) lines.push('Nothing was removed.');
  if (refusing.length > 0)
    lines.push(
      isPartial
        ? `${plural(refusing.length, 'entry', 'entries')} left:`
        : `${plural(refusing.length, 'entry stands', 'entries stand')} in the way:`,
      ...refusing.map(refusalLine),
    );
  return lines.join('\n');
}

function refusedWhole({ removed, refusing }: PruneSummary): boolean {
  return removed.length === 0 && refusing.length > 0;
}

function refusalLine({ path, reason }: RefusalRow): string {
  return `  ${visibleName(path)}: ${visibleText(reason)}`;
}

/** As many digits as name an object among 2^32 without a twin in practice. */
const SHORT_HASH = 16;

export const ORPHAN_COLUMNS: readonly Column<OrphanRow>[] = [
  { header: 'hash', text: (row) => row.hash.slice(0, SHORT_HASH) },
  { header: 'size', text: (row) => formatBytes(row.size), right: true },
  { header: 'since', text: (row) => formatMinute(new Date(row.since)) },
  { header: 'last path', text: (row) => (row.lastPath === null ? '-' : visibleName(row.lastPath)) },
];

export function gcText({ operation, objects, bytes, kept, plan }: GcSummary): string {
  const what = `${plural(objects, 'object')} (${formatBytes(bytes)})`;
  const lines = plan === undefined ? [] : [dryRunText(plan)];
  if (operation !== null) lines.push(`Deleted ${what}. ${sayOperation(operation)}`);
  else if (plan === undefined) lines.push('Nothing was deleted.');
  else if (objects > 0) lines.push(`That is ${what}.`);
  for (const [why, count] of Object.entries(kept) as [OrphanStay, number][])
    if (count > 0) lines.push(`${formatCount(count)} ${count === 1 ? 'stays' : 'stay'}: ${STAYS[why]}.`);
  return lines.join('\n');
}

const STAYS: Readonly<Record<OrphanStay, string>> = {
  recent: 'had a name until a short while ago (see --older-than)',
  undo: 'an undo of the last change would need it',
  tagged: 'had a name at the moment of a tag',
  linked: 'has another name on the disk, so that nothing would become free',
  unverified: 'not in the hash tree as recorded (run `hkfs verify`)',
};
