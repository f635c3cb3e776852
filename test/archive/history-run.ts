/**
 * A random run in which names are changed as well: by mv, rm, undo and tags, between ingests. Each step
 * is one method that says what the model is to be afterwards; the checks are those of every run.
 */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { EntryRow, UndoSummary } from 'hkfs';
import { baseName, joinPath } from '../../src/fs/names.js';
import { hashOf, type Model, type ModelEntry } from './archive-model.js';
import { Run, step as ingestStep, type Step } from './run.js';
import { collect } from './scratch.js';
import { name, pick } from './source-tree.js';

const number = fc.nat(1000);

const historyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('mv' as const),
      from: number,
      to: number,
      name: fc.option(name, { nil: null }),
      force: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('rm' as const),
      picks: fc.array(number, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('undo' as const),
      /** Of the operations, how many from the last; null: without a number. */
      back: fc.option(fc.nat(6), { nil: null }),
      again: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('tag' as const), tag: fc.constantFrom('a', 'b', 'c') }),
  },
);
export type HistoryStep = typeof historyStep extends fc.Arbitrary<infer T> ? T : never;
export type AnyStep = Step | HistoryStep;
export const anyStep: fc.Arbitrary<AnyStep> = fc.oneof(
  { weight: 4, arbitrary: ingestStep },
  { weight: 5, arbitrary: historyStep },
);

export class HistoryRun extends Run {
  protected readonly tags = new Map<string, Model>();
  /** Every content that was ever in the model, by its hash. */
  private readonly contents = new Map<string, Buffer>();

  static override async start(directory: string): Promise<HistoryRun> {
    return new HistoryRun(await HistoryRun.open(directory), directory);
  }

  override async step(step: AnyStep): Promise<void> {
    switch (step.do) {
      case 'mv':
        await this.move(step);
        break;
      case 'rm':
        await this.remove(step);
        break;
      case 'undo':
        await this.undo(step);
        break;
      case 'tag':
        await this.tag(step);
        break;
      default:
        await super.step(step);
        this.learn();
        return;
    }
    await this.check();
  }

  override async check(): Promise<void> {
    await super.check();
    for (const [tag, model] of this.tags) await this.expectRows(`tag:${tag}`, model);
    expect(await this.archive.replay({ check: true })).toMatchObject({ equal: true, differences: [] });
    expect(await this.archive.verify({ quick: true })).toMatchObject({
      unlinked: [],
      untracked: [],
      views: [],
    });
  }

  private async move(step: Extract<HistoryStep, { do: 'mv' }>): Promise<void> {
    const from = pick([...this.model.keys()], step.from);
    if (from === undefined) return;
    const directories = ['', ...pathsOfKind(this.model, 'directory')];
    const directory = pick(directories, step.to)!;
    const to = step.name === null ? pick([...this.model.keys()], step.to)! : joinPath(directory, step.name);
    const { force } = step;
    const expected = afterMove(this.model, { from, to, force });
    const before = await this.archive.head();
    if (expected === 'refused') {
      await expect(this.archive.move({ from, to, force })).rejects.toMatchObject({ code: 'BAD_TARGET' });
      expect(await this.archive.head()).toEqual(before);
      return;
    }
    const { operation } = await this.archive.move({ from, to, force });
    if (expected === 'same') expect([operation, await this.archive.head()]).toEqual([null, before]);
    else await this.remember(operation!, expected);
  }

  private async remove({ picks }: Extract<HistoryStep, { do: 'rm' }>): Promise<void> {
    if (this.model.size === 0) return;
    const paths = picks.map((each) => pick([...this.model.keys()], each)!);
    const { operation, removed } = await this.archive.remove({ paths });
    const isGone = (path: string): boolean =>
      paths.some((each) => path === each || path.startsWith(`${each}/`));
    const outermost = paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
    expect(new Set(removed)).toEqual(new Set(outermost));
    await this.remember(operation!, new Map([...this.model].filter(([path]) => !isGone(path))));
  }

  private async tag({ tag }: Extract<HistoryStep, { do: 'tag' }>): Promise<void> {
    await this.archive.tag({ name: tag, force: true });
    this.tags.set(tag, this.model);
    const tags = await collect(this.archive.tags());
    expect(tags.map((row) => row.tag)).toEqual([...this.tags.keys()].sort());
  }

  private async undo({ back, again }: Extract<HistoryStep, { do: 'undo' }>): Promise<void> {
    const present = this.model;
    const summary = await this.tryUndo(back);
    if (summary === null) return;
    await this.expectUndone(summary, present);
    if (!again || summary.operation === null) return;
    await this.check();
    const second = await this.archive.undo();
    expect(second).toMatchObject({ undone: summary.operation, skipped: [] });
    await this.remember(second.operation!, present);
  }

  /** Null where there is nothing to undo. */
  private async tryUndo(back: number | null): Promise<UndoSummary | null> {
    const chosen = back === null ? undefined : this.past.at(-1 - (back % Math.max(1, this.past.length)));
    const plan = { operation: chosen?.operation };
    const before = await this.archive.head();
    try {
      const tried = await this.archive.undo({ ...plan, dryRun: true });
      expect(await this.archive.head()).toEqual(before);
      const summary = await this.archive.undo(plan);
      const { restored, removed, renamed, skipped } = summary;
      expect(tried).toMatchObject({ undone: summary.undone, restored, removed, renamed, skipped });
      expect(summary.operation === null).toBe(restored + removed + renamed === 0);
      return summary;
    } catch (error) {
      expect(error).toMatchObject({ code: 'CANNOT_UNDO' });
      expect(await this.archive.head()).toEqual(before);
      return null;
    }
  }

  /** Of the last change all is taken back; of an earlier one nothing comes that was never there. */
  private async expectUndone(summary: UndoSummary, present: Model): Promise<void> {
    const at = this.past.findIndex(({ operation }) => operation === summary.undone);
    const before = this.past[at - 1]?.model ?? new Map<string, ModelEntry>();
    const isLast = this.past.slice(at).every(({ model }) => model === present);
    if (isLast) {
      expect(summary.skipped).toEqual([]);
      if (summary.operation !== null) await this.remember(summary.operation, before);
      else await this.expectRows(undefined, before);
      return;
    }
    if (summary.operation === null) return this.expectRows(undefined, present);
    const known = new Set([...contentsOf(before), ...contentsOf(present)]);
    const rows = await collect(this.archive.ls('', { recursive: true }));
    expect(rows.map(({ hash }) => hash).filter((hash) => hash !== null && !known.has(hash))).toEqual([]);
    await this.remember(summary.operation, new Map(rows.map((row) => [row.path, this.entryOf(row)])));
  }

  private entryOf(row: EntryRow): ModelEntry {
    const { kind, mode, mtimeNs, target, hash, linkGroup = null } = row;
    const content = kind !== 'file' ? null : hash === null ? Buffer.alloc(0) : this.contents.get(hash)!;
    return { kind, mode, mtimeNs: BigInt(mtimeNs), target, content, linkGroup };
  }

  private learn(): void {
    for (const { content } of this.model.values())
      if (content?.length) this.contents.set(hashOf(content), content);
  }
}

/** As mv does it. */
export function afterMove(
  before: Model,
  { from, to, force }: { from: string; to: string; force: boolean },
): Model | 'same' | 'refused' {
  const isInto = to === '' || (before.get(to)?.kind === 'directory' && to !== from);
  const landing = isInto ? joinPath(to, baseName(from)) : to;
  if (landing === from) return 'same';
  const there = before.get(landing);
  const isDirectory = [there?.kind, before.get(from)!.kind].includes('directory');
  if (landing.startsWith(`${from}/`) || (there && (isDirectory || !force))) return 'refused';
  const after = new Map<string, ModelEntry>();
  for (const [path, entry] of before) {
    if (path === from || path.startsWith(`${from}/`)) after.set(landing + path.slice(from.length), entry);
    else if (path !== landing) after.set(path, entry);
  }
  return after;
}

function pathsOfKind(model: Model, kind: string): string[] {
  return [...model].filter(([, entry]) => entry.kind === kind).map(([path]) => path);
}

export function contentsOf(model: Model): string[] {
  return [...model.values()].flatMap(({ content }) => (content?.length ? [hashOf(content)] : []));
}
