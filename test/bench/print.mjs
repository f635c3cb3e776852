/** A row's results for people at a terminal. */
import {
  askedWords,
  measuredWords,
  SIDE_COLUMNS,
  sideWords,
  targetWords,
  unansweredWords,
  verdictWords,
} from './words.mjs';

/** @param {object} result @returns {string} */
export function rowText({ name, title, sides, claims, skipped, failure }) {
  const head = `\n${name}: ${title}`;
  if (failure !== undefined) return `${head}\n  failed: ${failure}\n`;
  const table = columns([SIDE_COLUMNS, ...sides.map(sideWords)]);
  const asked = [...sides.flatMap(askedWords).map(askedLine), ...sides.flatMap(unansweredWords)];
  const absent = skipped.map((side) => `skipped: ${side}`);
  return `${[head, ...[...table, ...asked, ...absent, ...claims.map(claimLine)].map((line) => `  ${line}`)].join('\n')}\n`;
}

function claimLine(claim) {
  const verdict = [targetWords(claim), verdictWords(claim)].filter((words) => words !== '').join(': ');
  return `→ ${claim.text}: ${measuredWords(claim)}${verdict === '' ? '' : `; ${verdict}`}`;
}

function askedLine({ name, query, times }) {
  return `${name}: ${query} answered in ms: ${times.map((time) => Math.round(time)).join(' ')}`;
}

/** Names to the left, figures to the right. */
function columns(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}
