/** What a recovery did, for people. */
import type { RecoverSummary } from '../archive/api.js';
import { dryRunText } from './change-words.js';
import { formatBytes, formatDuration, plural } from './format.js';
import { damageLines } from './remote-summaries.js';
import { visibleName, visibleText } from './visible-name.js';

const SHOWN_FILES = 20;

export function recoverParagraph(summary: RecoverSummary): string {
  const { recovered, dryRun, plan, unrecovered } = summary;
  return [
    ...fileLines(summary),
    ...(dryRun === true && plan.length > 0 ? [dryRunText(plan)] : []),
    ...(plan.length === 0 ? ['The log is whole: there is nothing to recover.'] : []),
    ...(plan.length > 0 && dryRun !== true && !recovered ? ['Nothing was changed.'] : []),
    ...(recovered ? doneLines(summary) : []),
    ...unrecovered.map((what) => `Not recovered: ${visibleText(what)}.`),
  ].join('\n');
}

function fileLines({ damagedFiles }: RecoverSummary): string[] {
  const lines = damagedFiles
    .slice(0, SHOWN_FILES)
    .map(
      ({ name, reason, mended }) =>
        `  ${visibleName(name)}: ${visibleText(reason)}${mended ? '; put right' : ''}`,
    );
  const more = damagedFiles.length - lines.length;
  return lines.length === 0 ? [] : ['Damaged:', ...lines, ...(more > 0 ? [`  and ${more} more`] : [])];
}

function doneLines(summary: RecoverSummary): string[] {
  const { archive, way, here, fetched, size, lost, objects, bytes, kept, seconds } = summary;
  const what =
    way === 'tree'
      ? `Began a new history of ${visibleName(archive)}: ${plural(size, 'event')}, ${plural(objects, 'object')} (${formatBytes(bytes)})`
      : `Recovered ${visibleName(archive)}: ${plural(here, 'event')} that were here, ${plural(fetched, 'event')} and ${plural(objects, 'object')} (${formatBytes(bytes)}) from elsewhere`;
  return [
    `${what}, in ${formatDuration(seconds)}.`,
    ...(lost === null
      ? []
      : [
          `Lost: ${plural(lost.events, 'event')} from position ${lost.from} on. \`hkfs sync\` tells what the tree has more.`,
        ]),
    ...damageLines(way === 'tree' ? 'have other bytes than their names say' : 'could not be had', [
      ...summary.damaged,
      ...summary.missing,
    ]),
    ...(kept.length > 0
      ? [`Kept aside in .hkfs: ${kept.join(', ')}. \`hkfs verify\` reads all that is here.`]
      : []),
  ];
}
