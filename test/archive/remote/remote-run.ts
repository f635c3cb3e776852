/**
 * A random run of an archive that is backed up as it goes: after each backup a fresh clone, and one that
 * has followed all along, have to be what the archive was.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { Archive, type BackupSummary } from 'hkfs';
import { readTree } from '../source-tree.js';
import { anyStep, HistoryRun, type AnyStep } from '../history-run.js';
import { collect } from '../scratch.js';

const program = join(import.meta.dirname, '../../../bin/run.js');

/** Each a place where a backup, a clone or a pull can die. */
const KILLED_AT = [
  'carry.written',
  'backup.objects',
  'backup.key',
  'backup.claimed',
  'backup.segment',
  'backup.log',
  'backup.checkpoint',
] as const;
const CLONE_KILLED_AT = [
  'clone.begun',
  'clone.segment',
  'clone.log',
  'clone.views',
  'carry.written',
  'clone.objects',
  'tree.apply',
  'clone.tree',
] as const;

const remoteStep = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('backup' as const),
      killedAt: fc.option(fc.constantFrom(...KILLED_AT), { nil: null }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clone' as const),
      killedAt: fc.option(fc.constantFrom(...CLONE_KILLED_AT), { nil: null }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
);
type RemoteStep = typeof remoteStep extends fc.Arbitrary<infer T> ? T : never;
export type Step = AnyStep | RemoteStep;
export const remoteRunStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: anyStep },
  { weight: 2, arbitrary: remoteStep },
);

interface BackedUp {
  readonly size: number;
  readonly root: string;
  readonly paths: readonly string[];
}

export class RemoteRun extends HistoryRun {
  private readonly directory: string;
  private last: BackedUp | null = null;
  private follows = false;
  private clones = 0;

  private constructor(archive: Archive, directory: string) {
    super(archive, directory);
    this.directory = directory;
  }

  static override async start(directory: string): Promise<RemoteRun> {
    const archive = await RemoteRun.open(directory);
    await archive.addRemote({ name: 'disk', url: join(directory, 'remote') });
    return new RemoteRun(archive, directory);
  }

  async remoteStep(step: Step): Promise<void> {
    if (step.do === 'backup') await this.backup(step.killedAt);
    else if (step.do === 'clone') await this.clone(step.killedAt);
    else if (step.do === 'compact') await this.compact();
    else await this.step(step);
  }

  async finish(): Promise<void> {
    await this.backup(null);
    await this.clone(null);
    await this.follow();
    await this.verify();
  }

  /** A killed one leaves what the next goes on from. */
  private async backup(killedAt: string | null): Promise<void> {
    if (killedAt !== null) await this.killed(['backup', 'disk', '-a', this.root], `${killedAt}=kill`);
    const summary = await this.archive.backup({ remote: 'disk' });
    expect(summary.damaged).toEqual([]);
    this.last = {
      size: summary.size,
      root: summary.root,
      paths: await this.pathsAt(this.archive, summary.size),
    };
    expect(await this.archive.backup({ remote: 'disk' })).toMatchObject({
      upToDate: true,
      operation: null,
      objects: 0,
    } satisfies Partial<BackupSummary>);
  }

  private async clone(killedAt: string | null): Promise<void> {
    if (this.last === null) return;
    const clone = join(this.directory, `clone-${(this.clones += 1)}`);
    const url = join(this.directory, 'remote');
    if (killedAt !== null) spawn(['clone', url, clone], { HKFS_FAILPOINT: `${killedAt}=kill` });
    if (!fs.existsSync(join(clone, '.hkfs/archive.json'))) {
      const summary = await Archive.clone({ url, directory: clone });
      expect(summary).toMatchObject({ damaged: [], missing: [], damagedFiles: [] });
    }
    await this.expectSame(clone);
    fs.rmSync(clone, { recursive: true });
  }

  /** A clone that takes each backup as it comes. */
  private async follow(): Promise<void> {
    const clone = join(this.directory, 'follower');
    if (!this.follows) await Archive.clone({ url: join(this.directory, 'remote'), directory: clone });
    this.follows = true;
    const follower = await Archive.open(clone, { mode: 'write' });
    try {
      await follower.pull();
    } finally {
      await follower.close();
    }
    await this.expectSame(clone);
  }

  private async compact(): Promise<void> {
    if (this.last === null) return;
    await this.follow();
    const { before, after } = await this.archive.compactRemote({ remote: 'disk' });
    expect(after).toBeLessThanOrEqual(before);
    await this.clone(null);
  }

  private async expectSame(directory: string): Promise<void> {
    const { size, root, paths } = this.last!;
    const clone = await Archive.open(directory, { mode: 'write' });
    try {
      expect(await clone.head()).toEqual({ size, root });
      expect(await this.pathsAt(clone, size)).toEqual(paths);
      expect(await clone.replay({ check: true })).toMatchObject({ equal: true, differences: [] });
      const clean = { damaged: [], missing: [], unlinked: [], untracked: [], views: [], remaining: 0 };
      expect(await clone.verify()).toMatchObject(clean);
      expect(await clone.head()).toEqual({ size, root });
      // Where nothing has happened since, the trees are the same to the byte.
      if ((await this.archive.backup({ remote: 'disk', dryRun: true })).upToDate)
        expect(shown(directory)).toEqual(shown(this.root));
    } finally {
      await clone.close();
    }
  }

  private async pathsAt(archive: Archive, size: number): Promise<string[]> {
    const rows = await collect(archive.ls('', { recursive: true, at: `@${size - 1}` }));
    return rows.map((row) => JSON.stringify(row));
  }

  private async killed(args: readonly string[], failpoint: string): Promise<void> {
    await this.archive.close();
    spawn(args, { HKFS_FAILPOINT: failpoint });
    this.archive = await Archive.open(this.root, { mode: 'write' });
  }
}

function spawn(args: readonly string[], env: Record<string, string>): void {
  const { status, signal, stderr } = spawnSync(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
  });
  // A step that this run does not reach kills nobody.
  if (signal !== 'SIGKILL' && status !== 0) throw new Error(`hkfs ${args.join(' ')}: ${stderr}`);
}

/** What people see in the tree, with the times that files show. */
function shown(root: string): unknown[] {
  return [...readTree(root)].map(([path, { kind, content, target, mtimeNs }]) => [
    path,
    kind,
    target,
    content?.toString('latin1'),
    kind === 'file' && content!.length > 0 ? mtimeNs : null,
  ]);
}
