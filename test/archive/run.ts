/** One random run: an archive on disk beside its model, compared after each step. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { Archive, type IngestOptions, type IngestSummary } from 'hkfs';
import { joinPath, toFsPath } from '../../src/fs/names.js';
import {
  actualRow,
  afterIngest,
  expectedRow,
  hashOf,
  type IngestRequest,
  type Model,
} from './archive-model.js';
import { HEAVY } from '../projections/property.js';
import { collect } from './scratch.js';
import { apply, change, name, pick, readEntry, readTree, type Change } from './source-tree.js';

interface Ingest {
  readonly part: number;
  readonly to: string | undefined;
  readonly mirror: boolean;
  readonly checksum: boolean;
  readonly exclude: keyof typeof EXCLUDES;
  /** Try it first with `dryRun`. */
  readonly dry: boolean;
}

/** Globs, and what they mean, said another way. */
const EXCLUDES = {
  nothing: { globs: [], isExcluded: () => false },
  '*.tmp': { globs: ['*.tmp'], isExcluded: (_path: string, name: string) => name.endsWith('.tmp') },
  a: { globs: ['a', 'never'], isExcluded: (_path: string, name: string) => name === 'a' },
  'a/b': { globs: ['/a/b'], isExcluded: (path: string) => path === 'a/b' },
} satisfies Record<string, { globs: string[]; isExcluded: IngestRequest['isExcluded'] }>;

export type Step =
  | { readonly do: 'change'; readonly changes: readonly Change[] }
  | ({ readonly do: 'ingest' } & Ingest)
  | { readonly do: 'replay' }
  | { readonly do: 'reopen' };

const ingest = fc.record({
  do: fc.constant('ingest' as const),
  part: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(1000) }),
  to: fc.oneof(
    fc.constantFrom(undefined, '', 'x', 'deep/er'),
    name,
    fc.tuple(name, name).map(([a, b]) => `${a}/${b}`),
  ),
  mirror: fc.boolean(),
  checksum: fc.boolean(),
  exclude: fc.constantFrom<keyof typeof EXCLUDES>('nothing', 'nothing', '*.tmp', 'a', 'a/b'),
  dry: fc.boolean(),
});

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      changes: fc.array(change, { minLength: 1, maxLength: 8, size: 'max' }),
    }),
  },
  { weight: 6, arbitrary: ingest },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);

export interface Remembered {
  readonly position: number;
  readonly operation: number;
  readonly model: Model;
}

export class Run {
  protected archive: Archive;
  protected readonly root: string;
  private readonly source: string;
  protected readonly past: Remembered[] = [];
  protected model: Model = new Map();

  protected constructor(archive: Archive, directory: string) {
    this.archive = archive;
    this.root = join(directory, 'archive');
    this.source = join(directory, 'source');
  }

  static async start(directory: string): Promise<Run> {
    return new Run(await Run.open(directory), directory);
  }

  protected static async open(directory: string): Promise<Archive> {
    fs.mkdirSync(join(directory, 'source'));
    await Archive.init(join(directory, 'archive'));
    return Archive.open(join(directory, 'archive'), { mode: 'write' });
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'change') for (const change of step.changes) apply(this.source, change);
    if (step.do === 'change') return;
    if (step.do === 'ingest') await this.ingest(step);
    if (step.do === 'replay') await this.archive.replay();
    if (step.do === 'reopen') await this.reopen();
    await this.check();
  }

  /** Views against the log, and everything against everything. */
  async verify(): Promise<void> {
    expect(await this.archive.replay({ check: true })).toMatchObject({ equal: true, differences: [] });
    const clean = { damaged: [], missing: [], unlinked: [], untracked: [], views: [], remaining: 0 };
    expect(await this.archive.verify()).toMatchObject(clean);
  }

  close(): Promise<void> {
    return this.archive.close();
  }

  private async reopen(): Promise<void> {
    await this.archive.close();
    this.archive = await Archive.open(this.root, { mode: 'write' });
  }

  private async ingest({ part, to, mirror, checksum, exclude, dry }: Ingest): Promise<void> {
    const below = readTree(this.source);
    const chosen = part === 0 ? undefined : pick([...below.keys()], part);
    const source = chosen === undefined ? this.source : joinPath(this.source, chosen);
    const { globs, isExcluded } = EXCLUDES[exclude];
    const entry = readEntry(source);
    const inside = entry.kind === 'directory' ? readTree(source) : [];
    const request = { found: new Map([['', entry], ...inside]), source, to, mirror, isExcluded };
    const model = afterIngest(this.model, request);
    const options = { sources: [source], to, mirror, yes: true, checksum, exclude: globs };
    if (model === null) return this.expectRefusal(options);
    const tried = dry ? await this.tryOut(options) : null;
    const summary = await this.archive.ingest(options);
    expect(summary.failed).toEqual([]);
    if (tried) expect(tried).toEqual(numbers(summary));
    await this.remember(summary.operation!, model);
  }

  /** An operation has ended, and this is what it should have left. */
  protected async remember(operation: number, model: Model): Promise<void> {
    this.model = model;
    const { size } = await this.archive.head();
    this.past.push({ position: size - 1, operation, model });
  }

  private async expectRefusal(options: IngestOptions): Promise<void> {
    const before = await this.archive.head();
    await expect(this.archive.ingest(options)).rejects.toMatchObject({ code: 'BAD_TARGET' });
    expect(await this.archive.head()).toEqual(before);
  }

  private async tryOut(options: IngestOptions): Promise<unknown> {
    const before = await this.archive.head();
    const summary = await this.archive.ingest({ ...options, dryRun: true });
    expect(summary).toMatchObject({ operation: null, dryRun: true });
    expect(await this.archive.head()).toEqual(before);
    return numbers(summary);
  }

  protected async check(): Promise<void> {
    await this.expectRows(undefined, this.model);
    for (const { position, operation, model } of this.past) {
      await this.expectRows(`@${position}`, model);
      await this.expectRows(`op:${operation}`, model);
    }
    this.expectTree();
    await this.expectContents();
    if (HEAVY) await this.verify();
  }

  protected async expectRows(at: string | undefined, model: Model): Promise<void> {
    const rows = await collect(this.archive.ls('', { recursive: true, ...(at === undefined ? {} : { at }) }));
    const actual = rows.map((row) => [row.path, actualRow(row, model.get(row.path)?.isImplied ?? false)]);
    const expected = [...model].map(([path, entry]) => [path, expectedRow(entry)]);
    expect(new Map(actual as [string, unknown][])).toEqual(new Map(expected as [string, unknown][]));
    expect(rows).toHaveLength(model.size);
  }

  /** The tree that people browse: every file is the inode of its object, and read-only. */
  private expectTree(): void {
    const onDisk = readTree(this.root);
    expect([...onDisk.keys()].sort()).toEqual([...this.model.keys()].sort());
    for (const [path, { kind, content, target }] of this.model) {
      const there = onDisk.get(path)!;
      expect([path, there.kind, there.target]).toEqual([path, kind, target]);
      if (content === null) continue;
      // An empty file that a person saved keeps the mode that it has.
      if (content.length > 0) expect(there.mode).toBe(0o444);
      expect(there.content!.equals(content)).toBe(true);
      expect([path, inodeOf(joinPath(this.root, path))]).toEqual([path, this.inodeOfContent(path, content)]);
    }
  }

  /** Empty files share nothing; all others share the inode of their object. */
  private inodeOfContent(path: string, content: Buffer): unknown {
    const hash = hashOf(content);
    const file = content.length === 0 ? path : `.hkfs/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
    const inode = inodeOf(joinPath(this.root, file));
    return content.length === 0 ? { ...inode, nlink: 1 } : inode;
  }

  private async expectContents(): Promise<void> {
    const byHash = new Map<string, string[]>();
    for (const [path, { content }] of this.model)
      if (content?.length) byHash.set(hashOf(content), [...(byHash.get(hashOf(content)) ?? []), path]);
    for (const [hash, paths] of byHash) {
      const { paths: named, links } = await this.archive.stat(hash);
      expect([...named].sort()).toEqual(paths.sort());
      expect(links).toBe(paths.length + 1);
    }
  }
}

function inodeOf(path: string): { dev: number; ino: number; nlink: number } {
  const { dev, ino, nlink } = fs.lstatSync(toFsPath(path));
  return { dev, ino, nlink };
}

function numbers({ operation: _, seconds: _s, dryRun: _d, ...rest }: IngestSummary): unknown {
  return rest;
}
