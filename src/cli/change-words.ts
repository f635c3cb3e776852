/** What mv, rm, tag and undo say to people. */
import type { MoveSummary, RemoveSummary, TagRow, UndoSummary } from '../archive/api.js';
import { formatCount, plural } from './format.js';
import type { Column } from './table.js';
import { visibleName, visibleText } from './visible-name.js';

/** Lines of a plan that are shown before asking. */
const SHOWN = 20;

export function moveText({ operation, from, to, plan }: MoveSummary): string {
  if (plan !== undefined) return dryRunText(plan);
  if (operation === null) return `Nothing to do: it is ${visibleName(to)} already.`;
  return `Renamed ${visibleName(from)} to ${visibleName(to)}. ${sayOperation(operation)}`;
}

export function removeText({ operation, removed, plan }: RemoveSummary): string {
  if (plan !== undefined) return dryRunText(plan);
  if (operation === null) return 'Nothing was removed.';
  const what = removed.length === 1 ? visibleName(removed[0]!) : plural(removed.length, 'entry', 'entries');
  return `Removed ${what}; history keeps it. ${sayOperation(operation)}`;
}

export function tagText({ tag, position, time }: TagRow): string {
  return `${visibleName(tag)} is @${position}, ${time}.`;
}

export const TAG_COLUMNS: readonly Column<TagRow>[] = [
  { header: 'tag', text: (row) => visibleName(row.tag) },
  { header: 'position', text: (row) => `@${row.position}`, right: true },
  { header: 'time', text: (row) => row.time },
];

export function undoText(summary: UndoSummary): string {
  const { operation, undone, restored, removed, renamed, skipped, plan } = summary;
  const lines = plan === undefined ? [] : [dryRunText(plan)];
  if (plan === undefined && operation === null)
    lines.push(`Nothing was changed: of operation ${undone} nothing is left to reverse.`);
  if (operation !== null)
    lines.push(
      `Reversed operation ${undone}: ${formatCount(renamed)} renamed, ${formatCount(restored)} restored, ` +
        `${formatCount(removed)} removed. ${sayOperation(operation)}`,
    );
  if (skipped.length > 0) lines.push(`${plural(skipped.length, 'entry', 'entries')} left alone:`);
  for (const { path, reason } of skipped) lines.push(`  ${visibleName(path)}: ${visibleText(reason)}`);
  return lines.join('\n');
}

/** A plan before it is asked for: long ones by their beginning. */
export function planText(plan: readonly string[]): string {
  const more = plan.length - SHOWN;
  const lines = plan.slice(0, SHOWN).map((line) => `  ${visibleName(line)}`);
  return [...lines, ...(more > 0 ? [`  and ${formatCount(more)} more; --dry-run shows all`] : [])].join('\n');
}

export function dryRunText(plan: readonly string[]): string {
  if (plan.length === 0) return 'Nothing would be changed.';
  return ['Would', ...plan.map((line) => `  ${visibleName(line)}`)].join('\n');
}

export function sayOperation(operation: number): string {
  return `This is operation ${operation}.`;
}
