/** Duplicate files and directories, from what the views know: no content is read. */
import type { Position } from '../../events/types.js';
import type { DupsQuery, DupsRow } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import {
  directoryGroups,
  fatesOf,
  keeperFirst,
  keptAndRemovable,
  type GroupOptions,
} from './directory-groups.js';
import { hexOf, pathOfFile, readContents, type Content } from './file-table.js';
import { LinkCounts } from './link-counts.js';
import { namelessDigests } from './nameless-digests.js';
import { scopeOf, type Scope } from './scope.js';

/** @throws HkfsError USAGE, NOT_FOUND, NOT_A_DIRECTORY */
export async function* dups(archive: OpenArchive, query: DupsQuery, at: Position): AsyncGenerator<DupsRow> {
  const { kind, minSize = 1, all = false, sameNames = true } = query;
  const scope = await scopeOf(archive, query, at);
  const { level } = archive.views;
  const contents = await contentsFor(archive, { query, scope, at });
  const fates = fatesOf(1 + (scope.nodes.at(-1)?.index ?? 0));
  const options: GroupOptions = { scope, minSize, all, links: new LinkCounts(contents), fates };
  const rows: DupsRow[] = [];
  if (kind !== 'file') {
    const nameless = sameNames ? null : await namelessDigests(level, { nodes: scope.nodes, at });
    rows.push(...directoryGroups(options, nameless));
  }
  if (kind !== 'dir') for (const content of contents) pushFileGroup(rows, content, options);
  yield* rows.sort(largestGainFirst);
}

/** Directories alone are told by their digests; their files are only looked at where some were hard links. */
async function contentsFor(
  archive: OpenArchive,
  { query, scope, at }: { query: DupsQuery; scope: Scope; at: Position },
): Promise<Content[]> {
  const { nodes } = scope;
  const isLinked = nodes.some(({ summary }) => summary.linked > 0);
  if (query.kind === 'dir' && !isLinked) return [];
  const minSize = query.minSize ?? 1;
  return readContents(archive.views.level, { nodes, at, minSize: isLinked ? Math.min(1, minSize) : minSize });
}

function pushFileGroup(rows: DupsRow[], content: Content, options: GroupOptions): void {
  const { scope, minSize, all, links, fates } = options;
  const { key, size, names } = content;
  if (names.length < 2 || size < minSize) return;
  const there = all ? names : names.filter(({ node }) => fates.gone[node.index] === 0);
  const members = keeperFirst(there, fates, ({ node }) => node);
  const split = keptAndRemovable(members, scope, ({ node }) => node);
  if (split === null) return;
  const reclaimable = links.freedByFiles(content, split.removable, all);
  const paths = [...split.kept, ...split.removable].map(pathOfFile);
  rows.push({
    kind: 'file',
    hash: key === '' ? null : hexOf(key),
    size,
    files: 1,
    count: paths.length,
    reclaimable,
    paths,
    ...(scope.isTagged ? { protected: split.kept.length } : {}),
  });
}

function largestGainFirst(a: DupsRow, b: DupsRow): number {
  return (
    b.reclaimable - a.reclaimable ||
    b.size - a.size ||
    compare(a.kind, b.kind) ||
    compare(a.paths[0]!, b.paths[0]!)
  );
}

/** By code units: a collation would take most of the time of a long list. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
