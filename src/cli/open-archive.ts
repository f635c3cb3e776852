/** The one place where the command line reaches `archive/` at run time, when a command asks for it. */
import type { Archive } from '../archive/archive.js';
import type {
  AcrossOptions,
  AcrossReader,
  ArchiveReader,
  ContainsOptions,
  ContainsResult,
  InitSummary,
  Message,
  OutsideOptions,
  SimilarOptions,
  SimilarOutsideResult,
} from '../archive/api.js';
import { workingDirectory } from '../fs/absolute-path.js';

export interface WhichArchive {
  /** As given by --archive or HKFS_ARCHIVE; else the nearest folder upwards is taken. */
  readonly archive?: string | undefined;
  readonly wait?: boolean | undefined;
  /** Ends a wait for the archive. */
  readonly signal?: AbortSignal | undefined;
  /** The command's words, for whoever finds the archive held. */
  readonly command?: string | undefined;
  /** Also where the log lost its tail: the views are about to be rebuilt from what is left. */
  readonly forReplay?: boolean | undefined;
  /** Also where it cannot be written to: nothing is to be changed. */
  readonly orAside?: boolean | undefined;
  /** Also on a full disk, where the command is to make room. */
  readonly inNoRoom?: boolean | undefined;
}

/** For queries; answered by the process that holds the archive when there is one. */
export async function openForReading(
  which: WhichArchive,
  onMessage: (message: Message) => void,
): Promise<ArchiveReader & { close(): Promise<void> }> {
  const { findArchiveRoot, openReader } = await import('../archive/archive.js');
  return openReader(findArchiveRoot(workingDirectory(which.archive), which.archive), {
    wait: which.wait,
    signal: which.signal,
    command: which.command,
    onMessage,
  });
}

/** Questions about the outside world: the archive is opened only for their answers. */
export async function openForOutside(which: WhichArchive): Promise<OutsideQueries> {
  const { Archive, findArchiveRoot } = await import('../archive/archive.js');
  const root = findArchiveRoot(workingDirectory(which.archive), which.archive);
  const { wait, command } = which;
  return {
    contains: (options) => Archive.contains(root, { ...options, wait, command }),
    similar: (options) => Archive.similarToOutside(root, { ...options, wait, command }),
  };
}

export interface OutsideQueries {
  contains(options: ContainsOptions): Promise<ContainsResult>;
  similar(options: OutsideOptions & SimilarOptions): Promise<SimilarOutsideResult>;
}

/** For queries on all archives of a remote of the archive. */
export async function openForAsking(which: WhichArchive, options: AcrossOptions): Promise<AcrossReader> {
  const { findArchiveRoot, openAcross } = await import('../archive/archive.js');
  return openAcross(findArchiveRoot(workingDirectory(which.archive), which.archive), {
    ...options,
    wait: which.wait,
  });
}

/** For what appends to the log or rebuilds the views: one process at a time. */
export async function openForWriting(
  which: WhichArchive,
  onMessage: (message: Message) => void,
): Promise<Archive> {
  const { Archive, findArchiveRoot } = await import('../archive/archive.js');
  return Archive.open(findArchiveRoot(workingDirectory(which.archive), which.archive), {
    mode: 'write',
    wait: which.wait,
    signal: which.signal,
    forReplay: which.forReplay,
    command: which.command,
    orAside: which.orAside,
    inNoRoom: which.inNoRoom,
    onMessage,
  });
}

/** For what mends an archive that nothing else opens. */
export async function brokenArchive(
  which: Pick<WhichArchive, 'archive'>,
): Promise<{ Archive: typeof Archive; root: string }> {
  const archive = await import('../archive/archive.js');
  return {
    Archive: archive.Archive,
    root: archive.findBrokenRoot(workingDirectory(which.archive), which.archive),
  };
}

/** Makes an archive at `--archive`, or here, when there is none to be found. */
export async function initWhereMissing(which: WhichArchive): Promise<InitSummary | null> {
  const { Archive, findArchiveRootOrNull } = await import('../archive/archive.js');
  if (findArchiveRootOrNull(workingDirectory(which.archive), which.archive) !== null) return null;
  return Archive.init(which.archive ?? workingDirectory());
}

/** What a stop asks for: whether something is being made durable, and an end that waits for no thread. */
export async function stopTools(): Promise<{ isSettling: () => boolean; exitNow: (status: number) => void }> {
  const { isSettling, exitNow } = await import('../archive/archive.js');
  return { isSettling, exitNow };
}
