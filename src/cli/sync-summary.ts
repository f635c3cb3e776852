import type { SyncStep, SyncSummary } from '../archive/api.js';
import { formatDuration, plural } from './format.js';
import { visibleName, visibleText } from './visible-name.js';

/** What a sync did, as a paragraph; of a dry run one line a step. */
export function syncParagraph(summary: SyncSummary): string {
  const { damaged, failed, operation, steps = [] } = summary;
  const lines = [...steps.map(stepLine), counts(summary)];
  if (operation !== null) lines.push(`This is operation ${operation}.`);
  if (damaged.length > 0) lines.push(`${plural(damaged.length, 'content')} damaged through a link:`);
  for (const { hash, reason, paths } of damaged)
    lines.push(`  ${hash} (${visibleText(reason)}): ${paths.map(visibleName).join(', ') || 'no path'}`);
  if (failed.length > 0) lines.push(`${plural(failed.length, 'path')} could not be read:`);
  for (const { path, code, message } of failed)
    lines.push(`  ${visibleName(path)}: ${visibleText(message)} [${code}]`);
  return lines.join('\n');
}

function stepLine({ change, path, from }: SyncStep): string {
  const name = visibleName(path);
  return from === undefined ? `${change}  ${name}` : `${change}  ${visibleName(from)} -> ${name}`;
}

function counts(summary: SyncSummary): string {
  const { renamed, added, removed, changed, relinked, seconds, dryRun } = summary;
  const time = formatDuration(seconds);
  if (renamed + added + removed + changed + relinked === 0) return `Nothing to adopt (${time}).`;
  const more = relinked > 0 ? `, ${relinked} relinked` : '';
  const verb = dryRun === true ? 'Would adopt' : 'Adopted';
  return `${verb}: ${renamed} renamed, ${added} added, ${removed} removed, ${changed} changed${more} in ${time}.`;
}
