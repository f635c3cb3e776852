/**
 * All archives of a remote, asked as one: the present archive by its own state, the others by the logs that
 * were sent there, in catalogues that are cached below `.hkfs/remotes` and follow by what is new.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf, HkfsError, isHkfsError, type ErrorCode, counted } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { writeFileDurably } from '../../fs/durable.js';
import { joinPath, toFsPath } from '../../fs/names.js';
import { namesIn } from '../../fs/scan.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type {
  AcrossContent,
  AcrossOptions,
  AcrossReader,
  AcrossRow,
  AcrossTrouble,
  ArchiveReader,
  DupsRow,
  FindQuery,
} from '../api.js';
import { explainError } from '../explain-error.js';
import { readArchiveFile, type Layout } from '../layout.js';
import { LocalReader } from '../local-reader.js';
import type { OpenArchive } from '../open-archive.js';
import { lastOperation, operations } from '../queries/operations.js';
import { isRemote } from '../remote/format.js';
import { openRemoteStore } from '../remote/open-remote.js';
import { diverged } from '../remote/parting.js';
import { RemoteArchive } from '../remote/remote-archive.js';
import type { ClosableReader } from '../remote-reader.js';
import { Catalogue, FORKED } from './catalogue.js';
import { newestCheckpoints } from './newest-checkpoints.js';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The remote as a whole cannot be asked: what was seen of it before answers. */
const AWAY: readonly ErrorCode[] = ['REMOTE_UNREACHABLE', 'REMOTE_FOREIGN'];
/** Whoever asked has to be told at once, and not of one archive. */
const FOR_ALL: readonly ErrorCode[] = [
  'INTERRUPTED',
  'ARCHIVE_HELD',
  'REMOTE_DENIED',
  'NO_SPACE',
  'READ_ONLY',
];

/** After these nothing of an archive answers. */
const LEFT_OUT: readonly ErrorCode[] = ['UNKNOWN_EVENT', 'VIEWS_DAMAGED', 'LOG_DAMAGED'];

/** One of the archives, open while it is asked. */
export interface AskedArchive {
  readonly archive: string;
  /** Of its newest operation. */
  readonly host: string | null;
  readonly reader: ArchiveReader;
}

export interface Present {
  readonly layout: Layout;
  /** Held only while it answers: to follow a remote may take long. */
  readonly open: () => Promise<ClosableReader>;
}

/** What was known of the remote when it was last listed. */
interface Followed {
  readonly url: string;
  readonly timeMs: number;
}

export class RemoteArchives implements AcrossReader {
  readonly troubles: AcrossTrouble[] = [];
  private readonly present: Present;
  private readonly options: AcrossOptions;
  private readonly clock: () => number;
  private readonly openStore: typeof openRemoteStore;
  private readonly id: string;
  private readonly directory: string;
  private readonly catalogues = new Map<string, Catalogue>();
  /** Where it could be reached. */
  private store: BlobStore | null = null;

  private constructor(present: Present, options: AcrossOptions, parts: AcrossParts) {
    this.present = present;
    this.options = options;
    this.clock = parts.clock;
    this.openStore = parts.openStore ?? openRemoteStore;
    this.id = readArchiveFile(present.layout.root).id;
    this.directory = joinPath(present.layout.remotes, options.remote);
  }

  /**
   * Follows the remote, or says why not and how old is what answers instead.
   * @throws HkfsError REMOTE_*, BAD_URL, NO_BUCKET, INTERRUPTED, ARCHIVE_HELD
   */
  static async open(present: Present, options: AcrossOptions, parts: AcrossParts): Promise<RemoteArchives> {
    const url = await urlOf(present, options.remote);
    const archives = new RemoteArchives(present, options, parts);
    try {
      await archives.prepare(url);
      return archives;
    } catch (error) {
      throw explainError(error, present.layout);
    }
  }

  async *find(query: FindQuery): AsyncGenerator<AcrossRow> {
    let notFound: unknown;
    let isAnywhere = false;
    for await (const { archive, host, reader } of this.each())
      try {
        for await (const row of reader.find(query)) yield { archive, host, ...row };
        isAnywhere = true;
      } catch (error) {
        if (!isHkfsError(error, 'NOT_FOUND')) throw error;
        notFound ??= error;
      }
    if (!isAnywhere && notFound !== undefined) throw notFound;
  }

  /** In which archives contents are, and where; a content that none has gives no row. */
  async *lookUp(hashes: readonly Hash[]): AsyncGenerator<AcrossContent> {
    for await (const { archive, host, reader } of this.each())
      for await (const { hash, paths } of reader.lookUp(hashes, { paths: true }))
        yield { archive, host, hash, paths };
  }

  /** Holds the hash of every content, and the paths of those that have more than one. */
  async *dups({ minSize = 1 }: { minSize?: number | undefined }): AsyncGenerator<DupsRow> {
    const found = new Map<Hash, { size: number; paths: string[] }>();
    for await (const { archive, reader } of this.each())
      for await (const { hash, size, path } of namedContents(reader, minSize)) {
        const content = found.get(hash);
        if (content) content.paths.push(`${archive}:${path}`);
        else found.set(hash, { size, paths: [`${archive}:${path}`] });
      }
    const rows: DupsRow[] = [];
    for (const [hash, { size, paths }] of found)
      if (paths.length > 1)
        rows.push({
          ...{ kind: 'file', hash, size, files: 1, count: paths.length },
          ...{ reclaimable: (paths.length - 1) * size, paths },
        });
    yield* rows.sort((a, b) => b.reclaimable - a.reclaimable || (a.hash! < b.hash! ? -1 : 1));
  }

  async close(): Promise<void> {
    const { store } = this;
    this.store = null;
    await store?.close();
  }

  /** The present archive first, then the others in the order of their ids; each is open while it is asked. */
  async *each(): AsyncGenerator<AskedArchive> {
    const own = await this.present.open();
    try {
      yield { archive: this.id, host: hostname(), reader: own };
    } finally {
      await own.close();
    }
    for (const [id, catalogue] of [...this.catalogues].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const archive = await this.openCatalogue(id, catalogue);
      if (archive === null) continue;
      try {
        yield { archive: id, host: await hostOf(archive), reader: new LocalReader(archive, this.clock) };
      } finally {
        await archive.close();
      }
    }
  }

  /** A cache that was damaged is made again, where the remote can be asked. */
  private async openCatalogue(id: string, catalogue: Catalogue): Promise<OpenArchive | null> {
    const isTold = this.troubles.some(({ archive }) => archive === id);
    if (isTold && !catalogue.isThere()) return null;
    try {
      const archive = (await catalogue.open(this.options)) ?? (await this.openAgain(catalogue));
      if (archive === null)
        this.tell(id, 'VIEWS_DAMAGED', 'it is not in the cache; ask again when the remote can be reached');
      return archive;
    } catch (error) {
      this.tellError(id, error);
      return null;
    }
  }

  private async openAgain(catalogue: Catalogue): Promise<OpenArchive | null> {
    const pin = catalogue.pin();
    if (pin === null || this.store === null) return null;
    await catalogue.follow(new RemoteArchive(this.store, catalogue.id), pin.size, this.options);
    return catalogue.open(this.options);
  }

  private async prepare(url: string): Promise<void> {
    const before = this.followed();
    if (before !== null && before.url !== url)
      rmSync(toFsPath(this.directory), { recursive: true, force: true });
    for (const id of namesIn(this.directory)) if (ID.test(id) && id !== this.id) this.add(id);
    const known = before?.url === url ? before : null;
    if (this.options.offline === true) this.sayAge(known, `${this.options.remote} was not asked`);
    else await this.ask(url, known);
  }

  private async ask(url: string, known: Followed | null): Promise<void> {
    const timeMs = this.clock();
    try {
      this.store = await this.openStore(url, this.options);
      await this.follow(this.store);
      this.remember({ url, timeMs });
    } catch (error) {
      await this.close();
      if (known === null || !isHkfsError(error) || !AWAY.includes(error.code)) throw error;
      this.sayAge(known, error.message);
    }
  }

  private async follow(store: BlobStore): Promise<void> {
    const known = new Map([...this.catalogues].map(([id, catalogue]) => [id, catalogue.pin()?.size ?? 0]));
    const newest = await newestCheckpoints(store, known);
    const isNews =
      newest.size === 0 || [...newest].some(([id, size]) => id !== this.id && size > (known.get(id) ?? 0));
    if (isNews && !(await isRemote(store)))
      throw new HkfsError('REMOTE_FOREIGN', `${store.url} is no remote of hkfs now`, {
        hint: 'is the disk mounted? `hkfs remote ls` says where it has to be',
      });
    for (const [id, size] of known) if ((newest.get(id) ?? 0) < size) this.tellRolledBack(store, id, size);
    for (const [id, size] of newest)
      if (id !== this.id && size > 0) await this.followOne(new RemoteArchive(store, id), size);
  }

  private async followOne(remote: RemoteArchive, newest: Position): Promise<void> {
    const { id } = remote;
    const catalogue = this.catalogues.get(id) ?? this.add(id);
    if ((catalogue.pin()?.size ?? 0) >= newest && catalogue.isThere()) return;
    try {
      await catalogue.follow(remote, newest, this.options);
    } catch (error) {
      if (isHkfsError(error, 'REMOTE_UNREACHABLE')) throw error;
      this.tellError(id, error);
    }
  }

  private add(id: string): Catalogue {
    const catalogue = new Catalogue(joinPath(this.directory, id), id);
    this.catalogues.set(id, catalogue);
    return catalogue;
  }

  private tellRolledBack(store: BlobStore, id: string, size: Position): void {
    this.tellError(
      id,
      diverged(new RemoteArchive(store, id), {
        reason: `it had ${counted(size, 'event')} and has fewer now: it was rolled back, or lost files`,
        position: size,
        hint: FORKED,
      }),
    );
  }

  /** @throws what is not of one archive alone */
  private tellError(id: string, error: unknown): void {
    const explained = explainError(error, this.present.layout);
    if (!isHkfsError(explained) || FOR_ALL.includes(explained.code)) throw explained;
    const { code, message, hint } = explained;
    this.tell(id, code, hint === undefined ? message : `${message}; ${hint}`);
  }

  private tell(archive: string, code: ErrorCode, reason: string): void {
    this.troubles.push({ archive, code, reason });
    const isKnown = this.catalogues.get(archive)?.pin() != null;
    const answer =
      isKnown && !LEFT_OUT.includes(code) ? 'what was seen of it before answers' : 'it is left out';
    const text = `archive ${archive}: ${reason} (${answer})`;
    this.options.onMessage?.({ level: 'warning', code, text });
  }

  /** @throws HkfsError REMOTE_UNREACHABLE where nothing was seen yet */
  private sayAge(known: Followed | null, reason: string): void {
    const { remote, onMessage } = this.options;
    if (known === null)
      throw new HkfsError('REMOTE_UNREACHABLE', `nothing of ${remote} is cached yet`, {
        hint: 'ask once without --offline, when it can be reached',
      });
    const time = new Date(known.timeMs).toISOString();
    const age = ageOf(this.clock() - known.timeMs);
    onMessage?.({
      level: 'note',
      code: 'FROM_CACHE',
      text: `${reason}: this is as of ${time} (${age} ago)`,
    });
  }

  private get followedFile(): string {
    return joinPath(this.directory, 'remote.json');
  }

  private followed(): Followed | null {
    try {
      return JSON.parse(readFileSync(toFsPath(this.followedFile), 'utf8')) as Followed;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
      return null;
    }
  }

  private remember(followed: Followed): void {
    mkdirSync(toFsPath(this.directory), { recursive: true });
    writeFileDurably(this.followedFile, Buffer.from(`${JSON.stringify(followed)}\n`), 0o644);
  }
}

export interface AcrossParts {
  readonly clock: () => number;
  /** For tests that count what is read. */
  readonly openStore?: typeof openRemoteStore;
}

/** @throws HkfsError REMOTE_NOT_FOUND */
async function urlOf({ open }: Present, name: string): Promise<string> {
  const reader = await open();
  try {
    for await (const remote of reader.remotes()) if (remote.name === name) return remote.url;
  } finally {
    await reader.close();
  }
  throw new HkfsError('REMOTE_NOT_FOUND', `there is no remote ${name}`, {
    hint: 'see `hkfs remote ls`; add one with `hkfs remote add NAME URL`',
  });
}

async function hostOf(archive: OpenArchive): Promise<string | null> {
  for await (const { host } of operations(archive, null, await lastOperation(archive))) return host;
  return null;
}

/** Contents that are looked up at once. */
const CONTENTS = 10_000;

async function* namedContents(
  reader: ArchiveReader,
  minSize: number,
): AsyncGenerator<{ hash: Hash; size: number; path: string }> {
  const sizes = new Map<Hash, number>();
  for await (const { hash, size } of reader.contents()) if (size >= minSize) sizes.set(hash, size);
  const hashes = [...sizes.keys()];
  for (let from = 0; from < hashes.length; from += CONTENTS)
    for await (const { hash, paths } of reader.lookUp(hashes.slice(from, from + CONTENTS), { paths: true }))
      for (const path of paths) yield { hash, size: sizes.get(hash)!, path };
}

function ageOf(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
