/** The section "Last measured" of docs/bench.md, out of result files. */
import {
  askedWords,
  machineWords,
  measuredWords,
  SIDE_COLUMNS,
  sideWords,
  targetWords,
  unansweredWords,
  verdictWords,
  versionWords,
} from './words.mjs';

const HEADING = '## Last measured\n';
const LEAST_RUNS = 3;

/**
 * The document with the section replaced; it is the last one.
 * @param {string} document
 * @param {readonly object[]} results as `--json` writes them
 */
export function withReport(document, results) {
  const start = document.indexOf(HEADING);
  if (start < 0) throw new Error(`the document has no heading "${HEADING.trim()}"`);
  for (const result of results) refuse(result);
  return document.slice(0, start) + HEADING + results.map(section).join('');
}

function refuse({ smoke, runs, rows }) {
  if (smoke) throw new Error('a smoke run measures nothing that could be reported');
  if (runs < LEAST_RUNS) throw new Error(`a report wants at least ${LEAST_RUNS} runs`);
  const failed = rows.filter(({ failure }) => failure !== undefined).map(({ name }) => name);
  if (failed.length > 0) throw new Error(`these rows failed: ${failed.join(', ')}`);
}

function section({ startedAt, million, runs, machine, versions, rows }) {
  const corpus = million ? 'a million files' : 'small and large files';
  return [
    `\n### ${startedAt.slice(0, 10)}, ${corpus}, ${runs} runs or more of each\n`,
    `${machineWords(machine)}. ${versionWords(versions)}.\n`,
    table(['row', 'what', 'measured', 'target', 'result'], rows.flatMap(claimCells)),
    ...rows.map(details),
  ].join('\n');
}

function claimCells({ name, claims }) {
  return claims.map((claim) => [
    name,
    claim.text,
    measuredWords(claim),
    targetWords(claim),
    verdictWords(claim),
  ]);
}

function details({ name, title, sides, load }) {
  const asked = [
    ...sides.flatMap(askedWords).map(askedLine),
    ...sides.flatMap(unansweredWords).map((words) => `- ${words}`),
  ];
  return [
    `\n**${name}**: ${title}. Load before: ${load.toFixed(1)}.\n`,
    table(SIDE_COLUMNS, sides.map(sideWords)),
    ...(asked.length > 0 ? ['', ...asked] : []),
  ].join('\n');
}

function askedLine({ name, query, count, median, greatest }) {
  return `- ${name}: ${count} × \`${query}\`, answered in ${median} ms (median), ${greatest} ms at most`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
