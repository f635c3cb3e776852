/** Where the bytes of an object may come from again: a twin, a name in the tree, or a remote. */
import { lstatSync, rmSync } from 'node:fs';
import { errnoOf, isHkfsError } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { inSource } from '../../fs/contents.js';
import { treePath } from '../../fs/confined-path.js';
import { CARRY } from '../../fs/tasks.js';
import { RemoteCopies, type CopyState } from '../../projections/copies.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import type { HealOptions, Message } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { firstMtime } from '../remote/fetch-all.js';
import { fetchObject, type WantedObject } from '../remote/fetch-object.js';
import { remotes } from '../remote/manage.js';
import { openRemoteStore } from '../remote/open-remote.js';
import { readOrigin } from '../remote/origin.js';
import { registeredRemote } from '../remote/registered.js';
import type { Examined } from './examine.js';

/** What is tried first. */
const RANK: Readonly<Record<CopyState, number>> = { verified: 0, stored: 1, damaged: 3, missing: 3 };
const UNKNOWN = 2;

interface Remote {
  readonly name: string;
  readonly url: string;
  readonly kind: BlobStore['kind'];
  readonly copies: RemoteCopies | null;
  /** Null: it cannot be reached. */
  store?: Promise<BlobStore | null>;
}

export class HealSources {
  private readonly archive: OpenArchive;
  private readonly options: HealOptions;
  private known: Promise<Remote[]> | null = null;

  constructor(archive: OpenArchive, options: HealOptions) {
    this.archive = archive;
    this.options = options;
  }

  /** @returns from where the staged file has its bytes, which were hashed; null: nobody has them */
  async stage(examined: Examined, staged: string): Promise<string | null> {
    return (await this.fromHere(examined, staged)) ?? (await this.fromRemotes(examined, staged));
  }

  async close(): Promise<void> {
    for (const { store } of (await this.known) ?? []) await (await store)?.close();
  }

  private async fromHere({ object, files }: Examined, staged: string): Promise<string | null> {
    const good = files.find(({ isGood }) => isGood);
    if (good && (await this.carry(object, good.path, staged))) return 'twin';
    // The hash tree lost its name of what the tree has: it may be as good as ever. Each inode is read once.
    const { layout } = this.archive;
    const tried = new Set<bigint>();
    for await (const path of this.archive.contents().livePaths(object.hash, this.archive.namespace())) {
      const name = treePath(layout.root, path);
      const inode = inodeOfSize(name, object.size);
      if (inode === null || tried.has(inode)) continue;
      tried.add(inode);
      if (await this.carry(object, name, staged)) return 'tree';
    }
    return null;
  }

  /** A copy of its own: a link would bring the same sectors back. */
  async carry({ hash, size }: WantedObject, from: string, staged: string): Promise<boolean> {
    rmSync(staged, { force: true });
    const item = { from, staged, to: `${staged}.none`, hash, size, mtimeNs: null };
    const { status } = await this.archive.pool.run({ task: 'carry', items: [item], named: false });
    return status[0] === CARRY.staged;
  }

  private async fromRemotes({ object }: Examined, staged: string): Promise<string | null> {
    const { hash, size } = object;
    const mtimeNs = await firstMtime(this.archive, this.archive.contents(), hash);
    const wanted = { hash, size, ...(mtimeNs === undefined ? {} : { mtimeNs }) };
    const { signal } = this.options;
    for (const remote of await this.ranked(examinedOf(object))) {
      const store = await this.storeOf(remote);
      if (store === null) continue;
      rmSync(staged, { force: true });
      try {
        const outcome = await fetchObject(store, wanted, { staged, ...(signal ? { signal } : {}) });
        if (outcome === 'fetched') return remote.name;
        this.warn(
          'COPY_LOST',
          hash,
          `${remote.name} has it ${outcome === 'missing' ? 'no more' : 'damaged'}`,
        );
      } catch (error) {
        if (!isHkfsError(error) || signal?.aborted) throw error;
        this.warn(error.code, hash, error.message);
      }
    }
    return null;
  }

  /** Those that have it for sure first, and of these the nearest. */
  private async ranked({ hash, firstStored }: { hash: Hash; firstStored: number }): Promise<Remote[]> {
    this.known ??= this.load();
    const rank = ({ copies, kind }: Remote): number => {
      const state = copies?.of(hash, firstStored)?.state;
      return (state === undefined ? UNKNOWN : RANK[state]) * 2 + (kind === 's3' ? 1 : 0);
    };
    return (await this.known).toSorted((a, b) => rank(a) - rank(b));
  }

  private async load(): Promise<Remote[]> {
    const { archive } = this;
    const found: Remote[] = [];
    for await (const { name, url, kind } of remotes(archive)) {
      const { since } = await registeredRemote(archive, name);
      const copies = await RemoteCopies.load(archive.views.level, name, { since, at: archive.now });
      found.push({ name, url, kind, copies });
    }
    const origin = readOrigin(archive.layout);
    if (origin && !found.some(({ url }) => url === origin.url))
      found.push({ name: 'origin', url: origin.url, kind: 'directory', copies: null });
    return found;
  }

  private storeOf(remote: Remote): Promise<BlobStore | null> {
    return (remote.store ??= this.open(remote));
  }

  private async open({ name, url }: Remote): Promise<BlobStore | null> {
    try {
      return await openRemoteStore(url, this.options);
    } catch (error) {
      if (!isHkfsError(error)) throw error;
      this.warn(error.code, name, error.message);
      return null;
    }
  }

  private warn(code: Message['code'], path: string, text: string): void {
    this.options.onMessage?.({ level: 'warning', code, path, text });
  }
}

function examinedOf({ hash, firstStored }: Examined['object']): { hash: Hash; firstStored: number } {
  return { hash, firstStored };
}

/** Null for what cannot be the content. */
function inodeOfSize(path: string, size: number): bigint | null {
  try {
    return inSource(path, (file) => {
      const stat = lstatSync(file, { bigint: true });
      return stat.isFile() && stat.size === BigInt(size) ? stat.ino : null;
    });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}
