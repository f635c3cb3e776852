/** What healing and the verification of a remote say to people. */
import type { DamagedRow, HealSummary, RemoteVerifySummary } from '../archive/api.js';
import { formatBytes, formatCount, formatDuration, plural } from './format.js';
import { damageLines } from './remote-summaries.js';
import { visibleName, visibleText } from './visible-name.js';

export function healParagraph({ objects, healed, lost, seconds }: HealSummary): string {
  const lines = [
    `Looked at ${plural(objects, 'object')} in ${formatDuration(seconds)}; healed ${formatCount(healed.length)}.`,
  ];
  return [
    ...lines,
    ...healed.map(
      (row) => `  healed from ${visibleText(row.healedFrom ?? '?')}  ${row.hash}: ${placesOf(row)}`,
    ),
    ...damageLines('without a good copy anywhere', lost),
  ].join('\n');
}

export function remoteVerifyParagraph(summary: RemoteVerifySummary): string {
  const { remote, url, objects, bytes, remaining, seconds } = summary;
  const lines = [
    `Verified ${plural(objects, 'object')} (${formatBytes(bytes)}) at ${visibleText(remote)} (${visibleText(url)}) in ${formatDuration(seconds)}.`,
  ];
  if (remaining > 0) lines.push(`${formatCount(remaining)} more are left for the next run.`);
  const findings = [
    ...summary.damaged.map((row) => objectLine('damaged', row)),
    ...summary.missing.map((row) => objectLine('missing', row)),
    ...summary.files.map(
      ({ name, reason, healed }) =>
        `  ${visibleName(name)}: ${visibleText(reason)}${healed ? '; sent again' : ''}`,
    ),
  ];
  lines.push(findings.length === 0 ? 'No damage.' : `${plural(findings.length, 'finding')}:`);
  const isLost = [...summary.damaged, ...summary.missing].some(({ healedFrom }) => healedFrom === undefined);
  const isBroken = isLost || summary.files.some(({ healed }) => !healed);
  const way = '`hkfs verify --remote NAME --heal` sends again what is here.';
  return [...lines, ...findings, ...(isBroken ? [way] : [])].join('\n');
}

function objectLine(word: string, row: DamagedRow): string {
  const healed = row.healedFrom === undefined ? '' : '; sent again';
  return `  ${word}  ${row.hash} (${visibleText(row.reason)}${healed}): ${placesOf(row)}`;
}

function placesOf({ paths }: DamagedRow): string {
  return paths.length === 0 ? 'no path' : paths.map(visibleName).join(', ');
}
