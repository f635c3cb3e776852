/** The use case: entries of a moment as a tar, or as a manifest, the same bytes for the same entries. */
import { errnoOf, HkfsError } from '../../errors.js';
import type { Position } from '../../events/types.js';
import { joinPath, parentPath } from '../../fs/names.js';
import type { Entry, NamedEntry, Namespace } from '../../projections/namespace.js';
import { tornEnd } from '../../tar/write-block.js';
import { TAR_FORMATS } from '../../tar/write-member.js';
import { MANIFESTS } from '../../tar/write-manifest.js';
import type { ExportOptions, ExportSummary } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { resolveMoment } from '../queries/moments.js';
import { namedPaths } from '../restore/landings.js';
import { CompressedOutput, compressionOf, startCompressor } from './compress.js';
import { ManifestStream } from './manifest-stream.js';
import { openOutput, outputTo, planOutput, type Output } from './output.js';
import { stopped, stopWhereAsked, type ExportParts } from './parts.js';
import { ExportTally } from './tally.js';
import { TarStream } from './tar-stream.js';
import { walkBelow } from './walk.js';

/** What goes out: an entry under a name, and where its names begin in the archive. */
interface Top {
  readonly name: string;
  readonly path: string;
  readonly entry: Entry;
}

type Stream = TarStream | ManifestStream;

const ignore = (): void => {};

/**
 * @throws HkfsError for what makes the whole command impossible, before anything is written; NO_SPACE and
 *   its kin; OBJECT_DAMAGED where a content changes while it goes out; INTERRUPTED. Then no file is left.
 */
export async function exportEntries(
  archive: OpenArchive,
  options: ExportOptions,
  clock: () => number,
): Promise<ExportSummary> {
  const started = clock();
  refuseContradiction(options);
  const { position } = await resolveMoment(archive, options.at, clock());
  const tops = await topsOf(archive, options.paths, position);
  const output = await outputOf(archive, options);
  const tally = new ExportTally();
  const namespace = archive.namespace(position);
  const { signal, onProgress = ignore, onMessage = ignore } = options;
  const cancel = (): void => archive.pool.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const totals = options.estimate ? await totalsOf(namespace, tops) : null;
    const parts = { archive, output, tally, totals, signal, onProgress, onMessage };
    await stream(parts, { namespace, tops, options });
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
  return tally.summary((clock() - started) / 1000, typeof options.to === 'string' ? options.to : null);
}

async function stream(
  parts: ExportParts,
  what: { namespace: Namespace; tops: readonly Top[]; options: ExportOptions },
): Promise<void> {
  const { manifest, format = 'pax' } = what.options;
  const stream = manifest ? new ManifestStream(parts, manifest) : new TarStream(parts, format);
  try {
    for (const top of what.tops) await addAll(parts, stream, { namespace: what.namespace, top });
    await stream.finish();
    stopWhereAsked(parts);
    await parts.output.finish();
  } catch (error) {
    await stream.settled();
    const isTorn = stream instanceof TarStream && !stream.isInsideMember;
    await parts.output.abort(isTorn ? tornEnd() : null);
    throw explained(error);
  }
}

function explained(error: unknown): unknown {
  if (errnoOf(error) === 'ECANCELED') return stopped();
  if (errnoOf(error) !== 'EPIPE') return error;
  return new HkfsError('OUTPUT_CLOSED', 'the reader of the output went away before its end', {
    hint: 'see what it said itself',
    cause: error,
  });
}

async function addAll(
  parts: ExportParts,
  stream: Stream,
  { namespace, top }: { namespace: Namespace; top: Top },
): Promise<void> {
  const { name, path, entry } = top;
  // The root has no attributes of its own.
  if (entry.directoryId !== 0) await stream.add(name === '' ? '.' : name, path, entry);
  if (entry.directoryId === null) return;
  const prefix = name === '' ? path : parentPath(path);
  await walkBelow(namespace, { path: name, entry }, (below, entry) => {
    if (parts.signal?.aborted) throw stopped();
    return stream.add(below, joinPath(prefix, below), entry);
  });
}

/** `PATH` goes out under its last name; `PATH/` puts what it holds at the top. */
async function topsOf(archive: OpenArchive, paths: readonly string[], at: Position): Promise<Top[]> {
  const { contentsOf, entries } = await namedPaths(archive, paths, at);
  const topOf = ({ path, entry }: NamedEntry): Top => ({ name: entry.name, path, entry });
  return contentsOf ? [{ ...topOf(contentsOf), name: '' }] : entries.map(topOf);
}

function refuseContradiction({ paths, format, manifest }: ExportOptions): void {
  if (paths.length === 0) throw new HkfsError('USAGE', 'name what to export', { hint: 'see `hkfs ls`' });
  if (format !== undefined && manifest !== undefined)
    throw new HkfsError('USAGE', 'a manifest is no tar', { hint: 'give either a format or a manifest' });
  if (format !== undefined && !TAR_FORMATS.includes(format))
    throw new HkfsError('USAGE', `there is no format ${format}`, { hint: TAR_FORMATS.join(', ') });
  if (manifest !== undefined && !MANIFESTS.includes(manifest))
    throw new HkfsError('USAGE', `there is no manifest ${manifest}`, { hint: MANIFESTS.join(', ') });
}

/** @throws HkfsError NOT_CONFIRMED, and what cannot be written to, before anything is touched */
async function outputOf(archive: OpenArchive, { to, confirm }: ExportOptions): Promise<Output> {
  if (typeof to !== 'string') return outputTo(to);
  const plan = planOutput(archive.layout.root, to);
  if (plan.replaces && confirm && !(await confirm(plan.path)))
    throw new HkfsError('NOT_CONFIRMED', 'nothing was changed', { hint: 'name another file' });
  const compression = compressionOf(to);
  if (compression === null) return openOutput(plan);
  const compressor = await startCompressor(compression);
  try {
    return new CompressedOutput(compressor, await openOutput(plan));
  } catch (error) {
    compressor.kill();
    throw error;
  }
}

async function totalsOf(
  namespace: Namespace,
  tops: readonly Top[],
): Promise<{ files: number; bytes: number }> {
  const totals = { files: 0, bytes: 0 };
  const count = (_path: string, entry: Entry): undefined => {
    if (entry.kind !== 'file' || entry.event.type !== 'file.ingested') return;
    totals.files += 1;
    totals.bytes += entry.event.size;
  };
  for (const { name, entry } of tops)
    if (entry.directoryId === null) count(name, entry);
    else await walkBelow(namespace, { path: name, entry }, count);
  return totals;
}
