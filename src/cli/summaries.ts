import type {
  ExportSummary,
  Failure,
  IngestSummary,
  ReplaySummary,
  RestorePlan,
  RestoreSummary,
  VerifySummary,
} from '../archive/api.js';
import { formatBytes, formatCount, formatDuration, plural } from './format.js';
import { visibleName, visibleText } from './visible-name.js';

/** What an ingest did, as a paragraph, with every failed source on a line of its own. */
export function ingestParagraph(summary: IngestSummary): string {
  const { files, bytes, directories, symlinks, specials, seconds } = summary;
  const verb = summary.dryRun === true ? 'Would ingest' : 'Ingested';
  const others = [
    plural(directories, 'directory', 'directories'),
    plural(symlinks, 'symlink'),
    ...(specials > 0 ? [plural(specials, 'special file')] : []),
  ];
  const lines = [
    `${verb} ${plural(files, 'file')} (${formatBytes(bytes)}), ${others.join(', ')} in ${formatDuration(seconds)}.`,
    `New contents: ${plural(summary.newObjects, 'object')} (${formatBytes(summary.newBytes)}). ` +
      `Duplicates: ${plural(summary.duplicateFiles, 'file')} (${formatBytes(summary.duplicateBytes)}). ` +
      `Unchanged: ${plural(summary.unchangedFiles, 'file')}.`,
  ];
  if (summary.removed > 0) lines.push(`Removed: ${plural(summary.removed, 'entry', 'entries')}.`);
  if (summary.operation !== null) lines.push(`This is operation ${summary.operation}.`);
  if (summary.failed.length > 0)
    lines.push(`${plural(summary.failed.length, 'source')} could not be taken in, or not as asked:`);
  const failures = summary.failed.map(
    ({ path, code, message }) => `  ${visibleName(path)}: ${visibleText(message)} [${code}]`,
  );
  return [...lines, ...failures].join('\n');
}

const HEAL =
  '`hkfs heal` brings contents back from remotes; of what nobody has, an ingest of the same file is the way.';

/** What a verification found, with every finding on a line of its own. */
export function verifyParagraph(summary: VerifySummary): string {
  const { objects, bytes, seconds, remaining } = summary;
  const lines = [
    `Verified ${plural(objects, 'object')} (${formatBytes(bytes)}) in ${formatDuration(seconds)}.`,
  ];
  if (remaining > 0) lines.push(`${formatCount(remaining)} more are left for the next run.`);
  const findings = [
    ...summary.damaged.flatMap((row) => objectFinding('damaged', row)),
    ...summary.missing.flatMap((row) => objectFinding('missing', row)),
    ...summary.unlinked.map((row) => `  unlinked  ${visibleName(row.path)}: ${visibleText(row.reason)}`),
    ...summary.untracked.map((row) => `  untracked  ${visibleName(row.path)}: ${visibleText(row.reason)}`),
    ...summary.views.map((text) => `  views  ${visibleText(text)}`),
  ];
  lines.push(findings.length === 0 ? 'No damage.' : `${plural(findings.length, 'finding')}:`);
  return [...lines, ...findings, ...waysOut(summary)].join('\n');
}

function waysOut({ damaged, missing, views }: VerifySummary): string[] {
  const isLost = [...damaged, ...missing].some(({ healedFrom }) => healedFrom === undefined);
  return [...(isLost ? [HEAL] : []), ...(views.length > 0 ? ['`hkfs replay` builds the views again.'] : [])];
}

function objectFinding(word: string, row: VerifySummary['damaged'][number]): string[] {
  const places = row.paths.length === 0 ? 'no path' : row.paths.map(visibleName).join(', ');
  const healed = row.healedFrom === undefined ? '' : `; healed from ${visibleText(row.healedFrom)}`;
  return [`  ${word}  ${row.hash} (${visibleText(row.reason)}${healed}): ${places}`];
}

/** What a restore did, or under --dry-run would do. */
export function restoreParagraph(summary: RestoreSummary): string {
  const { files, bytes, directories, symlinks, specials, links, failed } = summary;
  const isDry = summary.dryRun === true;
  const others = [
    plural(directories, 'directory', 'directories'),
    plural(symlinks, 'symlink'),
    ...(specials > 0 ? [plural(specials, 'special file')] : []),
    ...(links > 0 ? [plural(links, 'hard link')] : []),
  ];
  const lines = [
    `${isDry ? 'Would restore' : 'Restored'} ${plural(files, 'file')} (${formatBytes(bytes)}), ${others.join(', ')} in ${formatDuration(summary.seconds)}.`,
  ];
  if (summary.differing > 0)
    lines.push(
      `Kept because they differ: ${plural(summary.differing, 'entry', 'entries')} (see --overwrite).`,
    );
  if (summary.skipped > 0) lines.push(`Already there: ${plural(summary.skipped, 'entry', 'entries')}.`);
  if (isDry && summary.plan) lines.push(...lossLines(summary, summary.plan));
  else if (summary.overwritten + summary.deleted > 0) lines.push(lossCounts(summary, false));
  return [...lines, ...failureLines(failed, 'could not be restored whole')].join('\n');
}

/** What a restore is about to take from the target, for the question. */
export function restorePlanText(plan: RestorePlan): string {
  const left = plan.overwritten + plan.deleted - plan.losses.length;
  return [...lossLines(plan, plan.losses), ...(left > 0 ? [`  and ${formatCount(left)} more`] : [])].join(
    '\n',
  );
}

/** What an export wrote. */
export function exportParagraph(summary: ExportSummary): string {
  const { files, bytes, directories, symlinks, specials, links, failed } = summary;
  const others = [
    plural(directories, 'directory', 'directories'),
    plural(symlinks, 'symlink'),
    ...(specials > 0 ? [plural(specials, 'special file')] : []),
    ...(links > 0 ? [plural(links, 'hard link')] : []),
  ];
  const line = `Exported ${plural(files, 'file')} (${formatBytes(bytes)}), ${others.join(', ')} in ${formatDuration(summary.seconds)}.`;
  return [line, ...failureLines(failed, 'could not be exported whole')].join('\n');
}

function lossLines(counts: RestorePlan | RestoreSummary, losses: RestorePlan['losses']): string[] {
  if (counts.overwritten + counts.deleted === 0) return [];
  return [lossCounts(counts, true), ...losses.map(({ change, path }) => `  ${change}  ${visibleName(path)}`)];
}

function lossCounts(
  { overwritten, deleted }: { overwritten: number; deleted: number },
  ahead: boolean,
): string {
  const [overwrite, remove] = ahead ? ['To overwrite', 'To delete'] : ['Overwritten', 'Deleted'];
  return `${overwrite}: ${plural(overwritten, 'entry', 'entries')}. ${remove}: ${plural(deleted, 'entry', 'entries')}.`;
}

function failureLines(failed: readonly Failure[], what: string): string[] {
  if (failed.length === 0) return [];
  const lines = failed.map(
    ({ path, code, message }) => `  ${visibleName(path)}: ${visibleText(message)} [${code}]`,
  );
  const isLost = failed.some(({ code }) => code === 'OBJECT_DAMAGED' || code === 'OBJECT_MISSING');
  return [`${plural(failed.length, 'entry', 'entries')} ${what}:`, ...lines, ...(isLost ? [HEAL] : [])];
}

/** A past tree that was made. */
export function materializeParagraph({
  events,
  seconds,
  equal,
  files = 0,
  failed = [],
}: ReplaySummary): string {
  const done = `Linked ${plural(files, 'file')} as of the first ${plural(events, 'event')} in ${formatDuration(seconds)}.`;
  const verdict = equal
    ? 'The directory is equal to the tree as it was.'
    : 'The directory is not equal to the tree as it was.';
  return [`${done} ${verdict}`, ...failureLines(failed, 'could not be restored whole')].join('\n');
}

export function replayParagraph({ events, seconds, equal, differences }: ReplaySummary): string {
  const done = `Replayed ${plural(events, 'event')} in ${formatDuration(seconds)}.`;
  if (equal === null) return `${done} The views are new.`;
  if (equal) return `${done} The views are equal to the log.`;
  return [`${done} The views differ from the log:`, ...differences.map((d) => `  ${visibleText(d)}`)].join(
    '\n',
  );
}
