/** An archive on a disk with sources beside it and a remote elsewhere, and what a run remembers of them. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { EntryRow } from '../../../src/archive/api.js';
import { hkfs, row, rows } from '../hkfs.js';
import { below, randomFrom, type Random } from '../random.js';
import { Disk, KINDS_HERE, type Kind } from './disk.js';
import { contentsOf, hashOfBytes, nameOfObject, pictureOf, type Picture } from './picture.js';

/** The content that the archive has for each name of a file; null of an empty one. */
export type Log = ReadonlyMap<string, string | null>;

/** Most files are of one size, so that a size never tells one from another. */
const SIZES = [100, 100, 100, 100, 100, 5000, 0];

export class World implements Disposable {
  readonly disk: Disk;
  readonly seed: number;
  readonly random: Random;
  /** Outside of the disk. */
  readonly directory: string;
  readonly root: string;
  readonly sources: string;
  readonly remote: string;
  /** Each content that was ever made. */
  readonly known = new Map<string, Buffer>();
  /** What to act on again: most trouble needs several steps that meet in one content or path. */
  readonly suspects: string[] = [];
  readonly focus: string[] = [];
  log: Log = new Map();
  /** What each path ever was in the log. */
  readonly history = new Map<string, Set<string | null>>();
  /** Contents that the log ever named. */
  readonly named = new Set<string>();
  /** Contents that a command told as damaged: it need not be told each time. */
  readonly told = new Set<string>();
  /** Paths of which a killed command may have left the tree behind the log. */
  readonly pending = new Set<string>();
  /** Inodes that were files of objects, on this file system as it is since it was made. */
  readonly wasObject = new Map<string, Set<string>>();
  /** Of a copy that was made of the archive: what its log has. */
  kept: { readonly log: Log; readonly pending: readonly string[] } | null = null;
  readonly trace: string[] = [];
  #made = 0;

  constructor(directory: string, seed: number, kind?: Kind) {
    this.directory = directory;
    this.seed = seed;
    this.random = randomFrom(seed);
    this.disk = new Disk(directory, kind ?? this.pick(KINDS_HERE));
    this.root = join(this.disk.at, 'archive');
    this.sources = join(this.disk.at, 'sources');
    this.remote = join(directory, 'remote');
  }

  [Symbol.dispose](): void {
    this.disk[Symbol.dispose]();
  }

  async begin(): Promise<void> {
    mkdirSync(this.sources);
    mkdirSync(this.remote);
    await row(['init', this.root]);
    // A clone has no private key: who goes on with it kept this copy.
    cpSync(join(this.root, '.hkfs/keys'), join(this.directory, 'keys'), { recursive: true });
    await row(['remote', 'add', 'usb', this.remote, '-a', this.root]);
  }

  /** Bytes for a new file; often some that are known already, so that there are duplicates. */
  make(size = this.pick(SIZES)): Buffer {
    const again = this.chance(0.4) ? this.#knownOf(size) : undefined;
    if (again !== undefined) return again;
    return this.makeNew(size);
  }

  makeNew(size: number): Buffer {
    const bytes = Buffer.alloc(size, `content ${(this.#made += 1)} `);
    if (size > 0) this.known.set(hashOfBytes(bytes), bytes);
    return bytes;
  }

  #knownOf(size: number): Buffer | undefined {
    if (this.suspects.length > 0 && this.chance(0.6)) return this.known.get(this.pick(this.suspects));
    const fitting = [...this.known.values()].filter((bytes) => bytes.length === size);
    return fitting.length === 0 ? undefined : this.pick(fitting);
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[below(this.random, from.length)]!;
  }

  /** One of these paths, often one that was acted upon before. */
  pickPath(paths: readonly string[]): string | undefined {
    const again = paths.filter((path) => this.focus.includes(path));
    const path = again.length > 0 && this.chance(0.5) ? this.pick(again) : this.pick(paths);
    if (path !== undefined) this.remember(this.focus, path);
    return path;
  }

  remember(list: string[], what: string): void {
    list.push(what);
    if (list.length > 4) list.shift();
  }

  look(): Picture {
    const picture = pictureOf(this.disk.at, this.root);
    for (const [file, { inode }] of picture.objects)
      this.wasObject.set(inode, (this.wasObject.get(inode) ?? new Set()).add(nameOfObject(file)));
    return picture;
  }

  async readLog(): Promise<Log> {
    const found = await rows<EntryRow>(['ls', '-R', '-a', this.root]);
    const files = found.filter(({ kind }) => kind === 'file');
    return new Map(files.map(({ path, hash }) => [path, hash]));
  }

  /** From now on this is what the log has. */
  remain(log: Log): void {
    this.log = log;
    for (const [path, hash] of log) {
      this.history.set(path, (this.history.get(path) ?? new Set()).add(hash));
      if (hash !== null) this.named.add(hash);
    }
  }

  /** Inodes mean nothing any more: the file system is another one. */
  forgetInodes(): void {
    this.wasObject.clear();
  }

  /** @returns the contents that it has not, as it says itself; null when there is no backup */
  async backUp(): Promise<Set<string> | null> {
    const { status, stdout } = await hkfs(['backup', 'usb', '-a', this.root, '--json']);
    if (status !== 0 && status !== 4) return null;
    const { damaged } = JSON.parse(stdout) as { damaged: { hash: string }[] };
    return new Set(damaged.map(({ hash }) => hash));
  }

  contents(): Set<string> {
    return contentsOf(this.look());
  }
}
