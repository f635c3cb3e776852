/** What an archive should hold, as a map from paths to what was found there; never changed once made. */
import type { EntryRow } from 'hkfs';
import { hashBytes } from '../../src/fs/hash.js';
import { baseName, joinPath, parentPath } from '../../src/fs/names.js';
import type { Found } from './source-tree.js';

export interface ModelEntry extends Found {
  /** A directory that only a target's path named: its time is the moment of the ingest. */
  readonly isImplied?: true;
}
export type Model = ReadonlyMap<string, ModelEntry>;

export interface IngestRequest {
  /** What the source is, with the path '' for itself. */
  readonly found: ReadonlyMap<string, Found>;
  readonly source: string;
  readonly to: string | undefined;
  readonly mirror: boolean;
  readonly isExcluded: (path: string, name: string) => boolean;
}

/** The model after an ingest, or null where something that is no directory is in the way. */
export function afterIngest(before: Model, request: IngestRequest): Model | null {
  const target = targetOf(before, request);
  const after = new Map(before);
  for (const path of ancestors(target)) {
    if (after.has(path) && after.get(path)!.kind !== 'directory') return null;
    if (!after.has(path)) after.set(path, IMPLIED);
  }
  const taken = [...request.found].filter(([path]) => !isLeftOut(path, request));
  const wasDirectory = new Set(['', ...pathsOfKind(before, 'directory')]);
  for (const [path, found] of taken) {
    const place = under(target, path);
    if (place === '') continue;
    const there = after.get(place);
    if (there?.kind === 'directory' && found.kind !== 'directory') removeTree(after, place);
    if (there !== undefined && there.kind !== 'directory' && found.kind === 'directory') after.delete(place);
    after.set(place, found);
  }
  if (request.mirror)
    for (const [path, { kind }] of taken)
      if (kind === 'directory' && wasDirectory.has(under(target, path)))
        removeVanished(after, path, { ...request, target });
  return after;
}

const IMPLIED: ModelEntry = {
  kind: 'directory',
  mode: 0o755,
  mtimeNs: 0n,
  target: null,
  content: null,
  linkGroup: null,
  isImplied: true,
};

/** As cp does it: a file goes into a target that is a directory; a directory becomes the target. */
function targetOf(before: Model, { source, to, found }: IngestRequest): string {
  const name = baseName(source);
  if (to === undefined) return name;
  const isDirectory = found.get('')!.kind === 'directory';
  const isInto = !isDirectory && (to === '' || before.get(to)?.kind === 'directory');
  return isInto ? joinPath(to, name) : to;
}

function removeVanished(
  after: Map<string, ModelEntry>,
  path: string,
  request: IngestRequest & { target: string },
): void {
  const { found, isExcluded, target } = request;
  for (const place of [...after.keys()]) {
    if (parentPath(place) !== under(target, path) || place === target) continue;
    const relative = joinPath(path, baseName(place));
    if (!found.has(relative) && !isExcluded(relative, baseName(place))) removeTree(after, place);
  }
}

/** A path below another, either of which may be the root. */
function under(directory: string, path: string): string {
  return path === '' ? directory : joinPath(directory, path);
}

function removeTree(after: Map<string, ModelEntry>, path: string): void {
  for (const other of [...after.keys()])
    if (other === path || other.startsWith(`${path}/`)) after.delete(other);
}

function isLeftOut(path: string, { isExcluded }: IngestRequest): boolean {
  return [...ancestors(path), path].some((each) => each !== '' && isExcluded(each, baseName(each)));
}

function ancestors(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join('/'));
}

function pathsOfKind(model: Model, kind: string): string[] {
  return [...model].filter(([, entry]) => entry.kind === kind).map(([path]) => path);
}

/** What `ls -R` is to give for an entry. */
export function expectedRow(entry: ModelEntry): unknown {
  const { kind, mode, mtimeNs, target, content, linkGroup, isImplied } = entry;
  return {
    kind,
    mode,
    mtimeNs: isImplied ? 'now' : mtimeNs.toString(),
    target,
    size: content === null ? null : content.length,
    hash: content === null || content.length === 0 ? null : hashOf(content),
    linkGroup,
  };
}

export function actualRow(row: EntryRow, isImplied: boolean): unknown {
  const { kind, mode, mtimeNs, target, size, hash, linkGroup = null } = row;
  return { kind, mode, mtimeNs: isImplied ? 'now' : mtimeNs, target, size, hash, linkGroup };
}

export function hashOf(content: Buffer): string {
  return Buffer.from(hashBytes(content)).toString('hex');
}
