/** The use case: directories and files of the real filesystem become entries and objects. */
import { lstatSync, rmdirSync } from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import type { Attributes, DirectoryId, Xattr } from '../../events/types.js';
import { attributesEqual, attributesOf, entryKindOf } from '../../fs/attributes.js';
import { describeFsError } from '../../fs/errors.js';
import { failpoint } from '../../fs/failpoints.js';
import { inSource } from '../../fs/contents.js';
import { withoutDescriptors } from '../../fs/held-directories.js';
import { baseName, toFsPath, type FsPath } from '../../fs/names.js';
import { lstatOrNull, readTarget } from '../../fs/scan.js';
import { storable } from '../../fs/stats.js';
import type { Entry } from '../../projections/namespace.js';
import type { Failure, IngestOptions, IngestSummary, Message } from '../api.js';
import { Committer } from '../committer.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import type { SourceEntry } from './classify.js';
import { Counters } from './counters.js';
import { DirectoryIngester } from './directory-ingester.js';
import { exclusionOf, tellUnmatched, type Exclusion } from './exclude.js';
import { FileIngester } from './file-ingester.js';
import { OwnPlaces } from '../own-places.js';
import { ProgressMeter } from './progress-meter.js';
import { planSources, STDIN, type SourceRoot } from './sources.js';
import { TarIngester } from './tar/ingest-tar.js';
import { isTarFile, openFile, openStream, type OpenStream } from './tar/recognise-sources.js';
import { TarTree } from './tar/tar-tree.js';
import type { TreeRoot } from './tar/tree-words.js';
import { guardMirror } from './guard-mirror.js';
import { holdSources } from './hold-sources.js';
import { isLenient, refuseUnread, tellUnread, withKnown } from './unread-attributes.js';

const ignore = (): void => {};

/**
 * @throws HkfsError for what makes the whole command impossible, TOO_MANY_REMOVED, before anything is
 *   changed, and INTERRUPTED after a clean stop
 */
export async function ingest(
  archive: OpenArchive,
  options: IngestOptions,
  clock: () => number,
  onStart: (operation: number) => void = ignore,
): Promise<IngestSummary> {
  const started = clock();
  const namespace = archive.namespace();
  const { root } = archive.layout;
  const isTar = tarJudge(options);
  const { sources, to } = options;
  const own = new OwnPlaces(root);
  const roots = await planSources({ sources, to, archiveRoot: root, own, isTar }, namespace);
  refuseMovedMirror(options);
  refuseForTars(options, roots);
  refuseForNoTars(options, roots);
  await refuseFilesInTheWay(archive, roots);
  refuseOtherDevice(archive, options, roots);
  refuseUnread(archive.posix, options.mode ?? 'copy');
  const release = holdSources(archive, roots);
  try {
    return await ingestHeld(archive, options, { roots, own, clock, started, onStart });
  } finally {
    release();
  }
}

interface HeldRun {
  readonly roots: readonly SourceRoot[];
  readonly own: OwnPlaces;
  readonly clock: () => number;
  readonly started: number;
  readonly onStart: (operation: number) => void;
}

async function ingestHeld(
  archive: OpenArchive,
  options: IngestOptions,
  { roots, own, clock, started, onStart }: HeldRun,
): Promise<IngestSummary> {
  const { root } = archive.layout;
  const exclusion = exclusionOf(options.exclude ?? []);
  // Of its own: what it matches in the archive is no match in a source.
  const { isExcluded } = exclusionOf(options.exclude ?? []);
  await guardMirror(archive, options, { roots, isExcluded });
  if (options.signal?.aborted) throw interrupted();
  const hasStream = roots.some(({ path }) => path === STDIN);
  const stream = hasStream ? await openStream(options) : null;
  const onMessage = options.onMessage ?? ignore;
  const counters = new Counters(onMessage);
  if (roots.some(({ isTar }) => !isTar)) tellUnread(archive.posix, onMessage);
  const request = {
    command: 'ingest',
    args: describe(options),
    sources: roots.map(({ path }) => path),
    clock,
    onMessage,
    onRefused: ({ path, code, message }: Failure) => counters.fail(path, code, message, message),
  };
  const operation = options.dryRun ? null : await Operation.start(archive, request);
  if (operation) onStart(operation.number);
  const committer = operation?.committer ?? new Committer(archive, { operation: 0, clock, onMessage });
  committer.index.suspects = await archive.contents().findings('');
  const run = new IngestRun({ archive, exclusion, own, committer, counters, options, onMessage, stream });
  const meter = new ProgressMeter(
    archive.pool,
    counters,
    options,
    roots.map(({ path }) => path),
  );
  options.signal?.addEventListener('abort', () => archive.pool.cancel(), { once: true });
  try {
    for (const source of roots) await run.source(source);
    await run.files.drain();
    await committer.flush();
  } catch (error) {
    await operation?.fail(
      options.signal?.aborted ? 'interrupted' : (error as Error).message,
      counters.counts(),
    );
    throw options.signal?.aborted ? interrupted(error) : describeFsError(error, root);
  } finally {
    await meter.stop();
  }
  if (options.signal?.aborted) {
    await operation?.fail('interrupted', counters.counts());
    throw interrupted();
  }
  tellUnmatched(exclusion, onMessage);
  await operation?.complete(counters.counts());
  failpoint('ingest.closed');
  // A directory that is not in the tree may be among them.
  if (await archive.refused.isEmpty()) run.removeEmptied();
  return counters.summary(operation?.number ?? null, (clock() - started) / 1000);
}

interface RunParts {
  readonly archive: OpenArchive;
  readonly own: OwnPlaces;
  readonly exclusion: Exclusion;
  readonly committer: Committer;
  readonly counters: Counters;
  readonly options: IngestOptions;
  readonly onMessage: (message: Message) => void;
  /** The tar on the standard input. */
  readonly stream: OpenStream | null;
}

class IngestRun {
  readonly files: FileIngester;
  private readonly parts: RunParts;
  private readonly directories: DirectoryIngester;
  /** Directories made on the way to targets, by path. */
  private readonly made = new Map<string, { id: DirectoryId; isNew: boolean }>();

  constructor(parts: RunParts) {
    this.parts = parts;
    const { archive, exclusion, own, committer, counters, options, onMessage } = parts;
    const { mode = 'copy', checksum = false, dryRun = false, mirror = false } = options;
    this.files = new FileIngester(
      { archive, committer, counters },
      { mode, checksum, dryRun, signal: options.signal },
    );
    this.directories = new DirectoryIngester(
      {
        archive,
        committer,
        counters,
        files: this.files,
        namespace: archive.namespace(),
        own,
      },
      {
        mirror,
        dryRun,
        move: mode === 'move',
        isLenient: isLenient(mode),
        trustsStats: !checksum && mode !== 'move' && mode !== 'assimilate',
        isExcluded: exclusion.isExcluded,
        onMessage,
        signal: options.signal,
      },
    );
  }

  async source(root: SourceRoot): Promise<void> {
    if (this.parts.options.signal?.aborted) return;
    if (root.isTar) return this.tar(root);
    const existing = await this.parts.archive.namespace().resolve(root.target);
    if (root.target === '')
      return this.directories.walk(root.path, root.stat, { id: 0, isNew: false, attributes: null });
    const parent = await this.ensureDirectory(parentOf(root.target));
    const source = this.sourceEntry(root, existing);
    if (root.isDirectory) {
      const directory = this.directories.addDirectory(source, parent.id, existing);
      const { attributes } = source;
      await this.directories.walk(root.path, root.stat, { ...directory, attributes });
    } else if (source.kind === 'file') {
      await this.files.add([{ source, parent: parent.id, existing, attempts: 0 }]);
    } else this.directories.addNonFile(source, parent.id, existing);
  }

  private async tar(root: SourceRoot): Promise<void> {
    const { archive, committer, counters, exclusion, options, onMessage, stream } = this.parts;
    const { dryRun = false, ignoreZeros = false, signal } = options;
    const treeRoot = await this.treeRoot(root.target);
    const implied = impliedAttributes(archive);
    const tree = new TarTree({ archive, committer, counters, root: treeRoot, implied, dryRun });
    const ingester = new TarIngester(
      { archive, committer, counters, tree, source: root.path, isRoot: root.target === '' },
      { dryRun, ignoreZeros, isExcluded: exclusion.isExcluded, onMessage, signal },
    );
    const { input, opened } = root.path === STDIN ? stream! : await openFile(root.path);
    try {
      const isWhole = await ingester.ingest(input, opened);
      if (!isWhole || dryRun) return;
      const tar = { name: baseName(root.path), hash: input.hash(), size: input.size };
      committer.push({ type: 'tar.ingested', directory: treeRoot.id, ...tar });
    } finally {
      await opened.close();
      // Closing a stream would wait for bytes that may never come.
      if (root.path !== STDIN) await input.close();
    }
  }

  /** The directory that a tar's members go into: the one that is there, or a new one. */
  private async treeRoot(target: string): Promise<TreeRoot> {
    if (target === '') return { id: 0, place: null, attributes: null };
    const { archive, committer, counters, options } = this.parts;
    const parent = await this.ensureDirectory(parentOf(target));
    const place = { parent: parent.id, name: baseName(target) };
    const made = this.made.get(target);
    if (made !== undefined) return { id: made.id, place, attributes: null };
    const existing = await archive.namespace().resolve(target);
    counters.directories += 1;
    if (existing?.directoryId != null)
      return { id: existing.directoryId, place, attributes: existing.event.attributes };
    if (existing !== undefined && options.dryRun !== true) committer.push({ type: 'path.removed', ...place });
    const directory = await this.makeDirectory(target);
    this.made.set(target, directory);
    return { id: directory.id, place, attributes: null };
  }

  /** After a move: source directories that hold nothing any more, innermost first. */
  removeEmptied(): void {
    for (const { path, attributes } of this.directories.walked.reverse()) {
      try {
        inSource(path, (source) => {
          this.assertAsRecorded(source, attributes);
          failpoint('source.rmdir');
          rmdirSync(source);
        });
      } catch (error) {
        if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') continue;
        const code = errnoOf(error) ?? 'EIO';
        const text = `stays: ${withoutDescriptors((error as Error).message)}`;
        // A mount point: it is empty, and nothing of the source is left in it.
        if (code === 'EBUSY') this.parts.onMessage({ level: 'warning', code, path, text });
        else this.parts.counters.fail(path, code, text, text);
      }
    }
  }

  /** Its mtime moved with what went from it. @throws ESTALE where somebody changed what nobody recorded */
  private assertAsRecorded(directory: FsPath, recorded: Attributes | null): void {
    if (recorded === null) return;
    const stat = storable(lstatSync(directory, { bigint: true }));
    const now = attributesOf(stat, directory, this.parts.archive.posix);
    if (attributesEqual({ ...now, mtimeNs: recorded.mtimeNs }, recorded)) return;
    throw Object.assign(new Error('its attributes changed since it was ingested'), { code: 'ESTALE' });
  }

  private xattrsOf(
    source: string | Buffer,
    path: string,
    existing: Entry | undefined,
  ): readonly Xattr[] | false {
    const { archive, counters, options } = this.parts;
    try {
      return archive.posix?.readXattrs(source) ?? false;
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined || !isLenient(options.mode)) throw error;
      counters.unread(path, { code });
      return existing?.event.attributes.xattrs ?? false;
    }
  }

  private sourceEntry(root: SourceRoot, existing: Entry | undefined): SourceEntry {
    const { posix } = this.parts.archive;
    const { path, stat } = root;
    const kind = entryKindOf(stat.mode);
    const { read, target } = inSource(path, (source) => ({
      read: attributesOf(stat, source, posix, { xattrs: this.xattrsOf(source, path, existing) }),
      target: kind === 'symlink' ? readTarget(source) : undefined,
    }));
    const attributes = withKnown(read, existing, posix);
    if (kind === 'symlink')
      this.parts.onMessage({
        level: 'note',
        code: 'SYMLINK_SOURCE',
        path,
        text: `a symlink, recorded as such; to take in what it points to, write ${path}/`,
      });
    return { name: baseName(root.target), path, kind, stat, attributes, target };
  }

  private async ensureDirectory(path: string): Promise<{ id: DirectoryId; isNew: boolean }> {
    if (path === '') return { id: 0, isNew: false };
    const made = this.made.get(path);
    if (made) return made;
    const entry = await this.parts.archive.namespace().resolve(path);
    const directory =
      entry?.directoryId != null ? { id: entry.directoryId, isNew: false } : await this.makeDirectory(path);
    this.made.set(path, directory);
    return directory;
  }

  private async makeDirectory(path: string): Promise<{ id: DirectoryId; isNew: boolean }> {
    const parent = await this.ensureDirectory(parentOf(path));
    if (this.parts.options.dryRun) return { id: Number.MAX_SAFE_INTEGER, isNew: true };
    const attributes = impliedAttributes(this.parts.archive);
    const event = { type: 'directory.added', parent: parent.id, name: baseName(path), attributes } as const;
    return { id: this.parts.committer.push(event, null), isNew: true };
  }
}

/** A directory that only the target's path names: like mkdir by this user, now. */
function impliedAttributes(archive: OpenArchive): Attributes {
  const stat = lstatSync(toFsPath(archive.layout.hkfs), { bigint: true });
  const { linkGroup: _none, ...attributes } = attributesOf(stat, archive.layout.hkfs, archive.posix, {
    xattrs: false,
  });
  return { ...attributes, mode: 0o755, mtimeNs: BigInt(Date.now()) * 1_000_000n };
}

async function refuseFilesInTheWay(archive: OpenArchive, roots: readonly SourceRoot[]): Promise<void> {
  const namespace = archive.namespace();
  for (const { target } of roots)
    for (let at = parentOf(target); at !== ''; at = parentOf(at)) {
      const entry: Entry | undefined = await namespace.resolve(at);
      if (entry === undefined || entry.kind === 'directory') continue;
      throw new HkfsError('BAD_TARGET', `/${at} is a ${entry.kind} in the archive, so /${target} cannot be`, {
        hint: 'choose another --to',
      });
    }
}

/** What an earlier move took from the source would count as vanished, and leave the archive's names as well. */
function refuseMovedMirror({ mode, mirror }: IngestOptions): void {
  if (mode !== 'move' || mirror !== true) return;
  throw new HkfsError('USAGE', '--mirror does not go with --mode move, which empties what it would mirror', {
    hint: 'move first, or mirror with --mode copy or assimilate',
  });
}

/** `--as-file` and `--tar` say what the contents of files would. */
function tarJudge({ asFile, asTar }: IngestOptions): (path: string) => Promise<boolean> {
  if (asFile === true && asTar === true)
    throw new HkfsError('USAGE', '--as-file and --tar contradict each other', {
      hint: 'give one of them',
    });
  if (asFile === true) return () => Promise.resolve(false);
  return asTar === true ? () => Promise.resolve(true) : isTarFile;
}

function refuseForNoTars({ asTar }: IngestOptions, roots: readonly SourceRoot[]): void {
  const other = roots.find(({ isTar }) => !isTar);
  if (asTar !== true || other === undefined) return;
  throw new HkfsError('USAGE', `--tar does not go with ${other.path}, which is no file`, {
    hint: 'ingest it by itself, without --tar',
  });
}

/** Members are always written anew, and a tar says nothing of what it does not hold. */
function refuseForTars({ mode = 'copy', mirror }: IngestOptions, roots: readonly SourceRoot[]): void {
  const tar = roots.find(({ isTar }) => isTar);
  if (tar === undefined || (mode === 'copy' && mirror !== true)) return;
  const flag = mirror === true ? '--mirror' : `--mode ${mode}`;
  throw new HkfsError('USAGE', `${flag} does not go with ${tar.path}, which is a tar`, {
    hint: 'leave it out, or keep the tar as one file with --as-file',
  });
}

function refuseOtherDevice(archive: OpenArchive, options: IngestOptions, roots: readonly SourceRoot[]): void {
  if ((options.mode ?? 'copy') === 'copy') return;
  const device = lstatOrNull(archive.layout.objects)?.dev;
  const other = roots.find(({ stat }) => stat.dev !== device);
  if (other === undefined) return;
  throw new HkfsError(
    'DIFFERENT_FILESYSTEM',
    `${other.path} and the archive are on different file systems, so --mode ${options.mode} cannot link it`,
    { hint: 'leave out --mode: copy works across file systems' },
  );
}

function describe(options: IngestOptions): string[] {
  const { to, mode, mirror, yes, checksum, asFile, asTar, ignoreZeros, exclude = [] } = options;
  return [
    ...options.sources,
    ...(to === undefined ? [] : ['--to', to]),
    ...(mode === undefined || mode === 'copy' ? [] : ['--mode', mode]),
    ...(mirror ? ['--mirror'] : []),
    ...(mirror && yes ? ['--yes'] : []),
    ...(checksum ? ['--checksum'] : []),
    ...(asFile ? ['--as-file'] : []),
    ...(asTar ? ['--tar'] : []),
    ...(ignoreZeros ? ['--ignore-zeros'] : []),
    ...exclude.flatMap((glob) => ['--exclude', glob]),
  ];
}

function interrupted(cause?: unknown): HkfsError {
  return new HkfsError('INTERRUPTED', 'stopped; everything up to here is in the archive', {
    hint: 'the same command again goes on from here without reading what was done',
    ...(cause === undefined ? {} : { cause }),
  });
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}
