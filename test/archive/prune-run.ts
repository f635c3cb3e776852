/** A random run in which duplicates are pruned and orphans collected as well. */
import { existsSync } from 'node:fs';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { joinPath } from '../../src/fs/names.js';
import { hashOf, type Model, type ModelEntry } from './archive-model.js';
import { anyStep, contentsOf, HistoryRun, type AnyStep } from './history-run.js';
import { afterPrune } from './prune-model.js';
import { collect } from './scratch.js';
import { pick } from './source-tree.js';

const number = fc.nat(1000);

const pruneStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('prune' as const),
      paths: fc.array(number, { minLength: 1, maxLength: 4 }),
      toHistory: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.boolean()),
      keepUnique: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('gc' as const) }) },
);
type PruneStep = typeof pruneStep extends fc.Arbitrary<infer T> ? T : never;
export type AnyPruneStep = AnyStep | PruneStep;
export const anyPruneStep: fc.Arbitrary<AnyPruneStep> = fc.oneof(
  { weight: 3, arbitrary: anyStep },
  { weight: 2, arbitrary: pruneStep },
);

export class PruneRun extends HistoryRun {
  /** Contents whose objects are to be in the hash tree. */
  private readonly stored = new Set<string>();

  static override async start(directory: string): Promise<PruneRun> {
    return new PruneRun(await PruneRun.open(directory), directory);
  }

  override async step(step: AnyPruneStep): Promise<void> {
    if (step.do === 'prune') await this.prune(step);
    else if (step.do === 'gc') await this.gc();
    else return super.step(step);
    await this.check();
  }

  override async check(): Promise<void> {
    for (const hash of contentsOf(this.model)) this.stored.add(hash);
    await super.check();
    for (const hash of this.stored) expect([hash, existsSync(this.objectPath(hash))]).toEqual([hash, true]);
    const live = new Set(contentsOf(this.model));
    const orphans = await collect(this.archive.orphans());
    expect(orphans.map(({ hash }) => hash)).toEqual(
      [...this.stored].filter((hash) => !live.has(hash)).sort(),
    );
  }

  private async prune({ paths: picked, ...options }: Extract<PruneStep, { do: 'prune' }>): Promise<void> {
    const before = this.model;
    if (before.size === 0) return;
    const paths = picked.map((at) => pick([...before.keys()], at)!);
    const path = paths.length === 1 ? paths[0]! : paths;
    const head = await this.archive.head();
    const expected = afterPrune(before, { paths, ...options });
    const tried = await this.archive.prune({ path, ...options, dryRun: true });
    expect(await this.archive.head()).toEqual(head);
    const summary = await this.archive.prune({ path, ...options });
    const refusing = summary.refusing.map((row) => row.path);
    expect(new Set(refusing)).toEqual(new Set(expected.refusing));
    expect(tried).toMatchObject({ refusing: summary.refusing, proof: summary.proof });
    expect(summary.operation === null).toBe(expected.after === null);
    if (expected.after === null) return expect(await this.archive.head()).toEqual(head);
    expect(new Set(summary.proof.map((row) => row.path))).toEqual(new Set(expected.gone));
    await this.remember(summary.operation!, expected.after);
    this.expectKept(before, summary.proof);
    if (!options.toHistory) expect(new Set(contentsOf(this.model))).toEqual(new Set(contentsOf(before)));
  }

  /** Each proof is true of the names that are left. */
  private expectKept(
    before: Model,
    proof: readonly { path: string; hash: string | null; kept: string | null }[],
  ): void {
    for (const { path, kept } of proof) {
      if (kept === null) continue;
      const { kind, content, target } = this.model.get(kept)!;
      expect({ path, kind, content, target }).toEqual({ path, ...shapeOf(before, path) });
    }
  }

  /** Collects whatever may go, at any age. */
  private async gc(): Promise<void> {
    const needed = this.needed();
    const { collected, kept } = await this.archive.gc({ olderThanMs: Infinity });
    expect(kept).toMatchObject({ recent: 0, linked: 0, unverified: 0 });
    for (const { hash, lastPath } of collected) {
      expect([hash, lastPath, needed.has(hash), this.stored.delete(hash)]).toEqual([
        hash,
        expect.any(String),
        false,
        true,
      ]);
      expect(existsSync(this.objectPath(hash))).toBe(false);
    }
    await this.expectUndoable();
  }

  /** Named now, at a tag, or before the last change. */
  private needed(): Set<string> {
    const before = this.past.at(-2)?.model ?? new Map<string, never>();
    return new Set([this.model, before, ...this.tags.values()].flatMap(contentsOf));
  }

  private async expectUndoable(): Promise<void> {
    try {
      await this.archive.undo({ dryRun: true });
    } catch (error) {
      expect(error).toMatchObject({ code: 'CANNOT_UNDO', message: expect.stringContaining('yet') });
    }
  }

  protected override isLost({ content }: ModelEntry): boolean {
    return content !== null && content.length > 0 && !this.stored.has(hashOf(content));
  }

  private objectPath(hash: string): string {
    return joinPath(this.root, `.hkfs/objects/${hash.slice(0, 2)}/${hash.slice(2)}`);
  }
}

function shapeOf(model: Model, path: string): object {
  const { kind, content, target } = model.get(path)!;
  return { kind, content, target };
}
