/** Groups of duplicates for people. */
import type { DupsRow } from '../archive/api.js';
import { formatBytes, plural } from './format.js';
import { visibleName } from './visible-name.js';

/** What a group is, and below it its members, the one that stays first. */
export function groupBlock(row: DupsRow): string {
  const kept = keptOf(row);
  const paths = row.paths.map((path, at) => `  ${at < kept ? 'keep' : '    '}  ${shownPath(path)}`);
  return [groupTitle(row), ...paths].join('\n');
}

export function groupTitle(row: DupsRow): string {
  const { kind, count, size, files, reclaimable } = row;
  const what =
    kind === 'file'
      ? `${plural(count, 'file')} of ${formatBytes(size)}`
      : `${plural(count, 'directory', 'directories')} of ${plural(files, 'file')}, ${formatBytes(size)}` +
        (kind === 'contents' ? ', the same contents under other names' : '');
  return `${formatBytes(reclaimable)} in ${what}`;
}

/** How many of the paths stay: they are the first. */
export function keptOf(row: DupsRow): number {
  return row.protected ?? 1;
}

export function shownPath(path: string): string {
  return path === '' ? '/' : visibleName(path);
}

/** Adds rows up as they pass. */
export class DupsTotals {
  private groups = 0;
  private files = 0;
  private bytes = 0;
  private linked = 0;

  async *count(rows: AsyncIterable<DupsRow>): AsyncGenerator<DupsRow> {
    for await (const row of rows) {
      const copies = row.count - keptOf(row);
      this.groups += 1;
      this.files += copies * row.files;
      this.bytes += row.reclaimable;
      this.linked += copies * row.size - row.reclaimable;
      yield row;
    }
  }

  /** @param overlap groups hold each other, so that their sums mean nothing */
  line(overlap: boolean): string {
    if (this.groups === 0) return 'No duplicates.';
    const groups = plural(this.groups, 'group');
    if (overlap) return `${groups}, of which some hold others.`;
    const linked =
      this.linked === 0 ? '' : ` Hard links of one source file count once: ${formatBytes(this.linked)}.`;
    return `${groups}: ${plural(this.files, 'more file')} than needed, ${formatBytes(this.bytes)}.${linked}`;
  }
}
