/**
 * A random run in which names are changed as well: by mv, rm, undo and tags, and by hand with a sync after
 * it, between ingests; and any moment is restored. Each step is one method that says what the model is to
 * be afterwards; the checks are those of every run.
 */
import * as fs from 'node:fs';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { EntryRow, UndoSummary } from 'hkfs';
import { baseName, joinPath, parentPath, toFsPath } from '../../src/fs/names.js';
import { hashOf, type Model, type ModelEntry } from './archive-model.js';
import { Run, step as ingestStep, type Step } from './run.js';
import { collect } from './scratch.js';
import { CONTENTS, name, pick, readEntry, readTree, setTimes } from './source-tree.js';

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
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('byHand' as const),
      deed: fc.constantFrom('move', 'move', 'remove', 'write', 'save', 'mkdir', 'symlink'),
      from: number,
      to: number,
      name,
      content: fc.constantFrom(...(Object.keys(CONTENTS) as (keyof typeof CONTENTS)[])),
      mtimeNs: fc.bigInt({ min: 0n, max: 2n * 10n ** 18n }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('restore' as const), back: fc.option(number, { nil: null }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('tag' as const), tag: fc.constantFrom('a', 'b', 'c') }),
  },
);
export type HistoryStep = typeof historyStep extends fc.Arbitrary<infer T> ? T : never;
type ByHand = Extract<HistoryStep, { do: 'byHand' }>;
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
      case 'byHand':
        await this.byHand(step);
        break;
      case 'restore':
        return this.restore(step);
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

  private async byHand(step: ByHand): Promise<void> {
    const expected = this.changeByHand(step);
    if (expected === null) return;
    const { operation, damaged, failed } = await this.archive.sync({ yes: true });
    expect({ damaged, failed }).toEqual({ damaged: [], failed: [] });
    expect(operation).not.toBeNull();
    this.learn(expected);
    await this.remember(operation!, expected);
    expect(await this.archive.sync()).toMatchObject({ operation: null, damaged: [], failed: [] });
  }

  /** Null where the deed makes no sense, or leaves nothing by which it could be told. */
  private changeByHand({ deed, from, to, name, content, mtimeNs }: ByHand): Model | null {
    const target = joinPath(pick(['', ...pathsOfKind(this.model, 'directory')], to)!, name);
    const there = pick([...this.model.keys()], from);
    const at = (path: string): Buffer | string => toFsPath(joinPath(this.root, path));
    const found = (path: string): Model =>
      new Map([...this.model, [path, readEntry(joinPath(this.root, path))]]);
    if (deed === 'remove' && there !== undefined) {
      fs.rmSync(at(there), { recursive: true });
      return new Map([...this.model].filter(([path]) => !isAtOrBelow(path, there)));
    }
    if (deed === 'save') {
      const file = pick(pathsOfKind(this.model, 'file'), from);
      if (file === undefined || this.model.get(file)!.content!.equals(Buffer.from(CONTENTS[content])))
        return null;
      const saved = joinPath(parentPath(file), '.saved');
      fs.writeFileSync(at(saved), CONTENTS[content]);
      setTimes(joinPath(this.root, saved), mtimeNs);
      fs.renameSync(at(saved), at(file));
      return found(file);
    }
    if (this.model.has(target)) return null;
    if (deed === 'move') {
      if (there === undefined || isAtOrBelow(target, there) || !isTold(this.model, there)) return null;
      fs.renameSync(at(there), at(target));
      return new Map([...this.model].map(([path, entry]) => [movedPath(path, there, target), entry]));
    }
    if (deed === 'write') fs.writeFileSync(at(target), CONTENTS[content]);
    else if (deed === 'mkdir') fs.mkdirSync(at(target));
    else if (deed === 'symlink') fs.symlinkSync('../caf', at(target));
    else return null;
    if (deed === 'write') setTimes(joinPath(this.root, target), mtimeNs);
    return found(target);
  }

  /** What was there at a moment comes back as plain files with their attributes. */
  private async restore({ back }: Extract<HistoryStep, { do: 'restore' }>): Promise<void> {
    const then = back === null ? undefined : pick(this.past, back);
    const model = then?.model ?? this.model;
    const to = `${this.root}-restored`;
    const summary = await this.archive.restore({ paths: ['/'], to, at: then && `@${then.position}` });
    const lost = [...model].filter(([, entry]) => this.isLost(entry)).map(([path]) => path);
    expect(new Set(summary.failed.map(({ path }) => path))).toEqual(
      new Set(lost.map((path) => joinPath(to, path))),
    );
    const restored = readTree(to);
    fs.rmSync(to, { recursive: true });
    const kept = new Map([...model].filter(([, entry]) => !this.isLost(entry)));
    expect(byPath(restored, model)).toEqual(byPath(kept, model));
  }

  /** Whether an entry of the past has no content any more. */
  protected isLost(_entry: ModelEntry): boolean {
    return false;
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

  private learn(model = this.model): void {
    for (const { content } of model.values())
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

/** Whether sync can know it again elsewhere: by the inodes of contents, of a directory's by most of them. */
function isTold(model: Model, path: string): boolean {
  const files = [...model].filter(([at, { kind }]) => kind === 'file' && isAtOrBelow(at, path));
  const full = files.filter(([, { content }]) => content!.length > 0);
  return full.length > 0 && full.length === files.length;
}

function isAtOrBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

function movedPath(path: string, from: string, to: string): string {
  return isAtOrBelow(path, from) ? to + path.slice(from.length) : path;
}

/** As they can be compared: inodes are new, and a directory that only a path named had no time of its own. */
function byPath(entries: Model, model: Model): Map<string, unknown> {
  return new Map(
    [...entries].map(([path, { kind, mode, mtimeNs, target, content }]) => {
      const hasTime = model.get(path)?.isImplied !== true;
      const time = hasTime ? mtimeNs : null;
      return [
        path,
        { kind, mode: kind === 'symlink' ? null : mode, time, target, content: content?.toString('latin1') },
      ];
    }),
  );
}

function pathsOfKind(model: Model, kind: string): string[] {
  return [...model].filter(([, entry]) => entry.kind === kind).map(([path]) => path);
}

export function contentsOf(model: Model): string[] {
  return [...model.values()].flatMap(({ content }) => (content?.length ? [hashOf(content)] : []));
}
