/** What contains and similar say to people. */
import type { ContainsResult, OutsideRow, SimilarRow } from '../archive/api.js';
import { formatBytes, formatCount, plural } from './format.js';
import { visibleName } from './visible-name.js';

/** A missing file, or under --where one that is there and where. */
export function outsideLine(row: OutsideRow): string {
  const size = row.size === null ? '' : `  ${formatBytes(row.size)}`;
  if (row.paths === undefined) return `missing${size}  ${visibleName(row.path)}`;
  const places = row.paths.map((path) => `\n    ${visibleName(path)}`).join('');
  return `there${size}  ${visibleName(row.path)}${row.size === 0 ? ' (empty)' : places}`;
}

export function containsParagraph(result: ContainsResult): string {
  const { total, archived, missing, others, failed } = result;
  const read = plural(total - failed.length, 'file');
  const verdict =
    missing === 0
      ? `${total - failed.length === 1 ? '1 file is' : `All ${read} are`} in the archive.`
      : `${formatCount(missing)} of ${read} ${missing === 1 ? 'is' : 'are'} not in the archive; ${formatCount(archived)} ${archived === 1 ? 'is' : 'are'}.`;
  const lines = [total === failed.length && failed.length > 0 ? 'No file could be read.' : verdict];
  if (others > 0)
    lines.push(`${plural(others, 'symlink or special file', 'symlinks and special files')} not compared.`);
  if (failed.length > 0) lines.push(`${plural(failed.length, 'source')} could not be read (see above).`);
  return lines.join('\n');
}

/** A directory and how much it holds, with what it lacks below where that was asked for. */
export function similarLines(row: SimilarRow): string {
  const whose = row.of === undefined ? '' : `${pathWords(row.of)}  is in  `;
  const lacks =
    row.missingFiles === 0
      ? 'nothing is missing'
      : `${plural(row.missingFiles, 'file')} (${formatBytes(row.missingBytes)}) missing`;
  const facts = [
    `${percent(row.containment)} of the bytes (${formatBytes(row.sharedBytes)})`,
    `${percent(row.fileContainment)} of the files`,
    lacks,
    `the other way ${percent(row.reverseContainment)}`,
  ];
  const head = `${whose}${pathWords(row.path)}: ${facts.join(', ')}`;
  const missing = (row.missing ?? []).map(
    ({ path, size }) => `    ${visibleName(path)}  ${formatBytes(size)}`,
  );
  return [head, ...missing].join('\n');
}

/** Rounded down: 100 % is all. */
function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

function pathWords(path: string): string {
  return path === '' ? '/' : visibleName(path);
}
