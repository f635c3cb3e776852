/**
 * Digests of directories, as of any moment. They follow from the entry rows alone. What was found last is
 * remembered in rows that hold as of one position, so that only directories below which something changed
 * between that position and the moment are summed up again. Ingesting writes none of these rows and pays
 * nothing for them; they go with the views when those are rebuilt (docs/decisions/0016).
 */
import { isHkfsError } from '../errors.js';
import { explainLevelError, type Level } from '../events/level.js';
import type { EventLog } from '../events/log.js';
import type { DirectoryId, Position } from '../events/types.js';
import { DirectoryDraft, DirectoryPatch, type Unfinished } from './directory-digest.js';
import type { DirectoryRow, Summary } from './directory-row.js';
import { DirectoryTree } from './directory-tree.js';
import { readCheckpoint, readRow, writeAllRows, writeChangedRows } from './digest-rows.js';
import { EntryFacts } from './entry-facts.js';
import { visitAllEntries, visitEntriesOf } from './entry-scan.js';
import * as keys from './keys.js';
import { touchedDirectories, withDirectoriesAbove } from './touched-directories.js';

/** More events between the moment and what is remembered: one run over all entries is then faster. */
const MAX_EVENTS = 200_000;
/** More directories to list one by one: the same. */
const MAX_DIRECTORIES = 20_000;

type Rows = Map<DirectoryId, DirectoryRow>;

interface Stale {
  /** Directories whose own entries may be others. */
  readonly touched: ReadonlySet<DirectoryId>;
  /** Those and all above them. */
  readonly all: ReadonlySet<DirectoryId>;
}

/** One at a time for each LevelDB: rows and the position as of which they hold are read and written together. */
const turns = new WeakMap<Level, Promise<unknown>>();

export class Digests {
  private readonly level: Level;
  private readonly log: EventLog;

  constructor(level: Level, log: EventLog) {
    this.level = level;
    this.log = log;
  }

  /**
   * The directories at and below one that is in the tree at the moment, with their digests.
   *
   * @param options.remember for the newest moment: what was found is kept for the next time
   */
  tree(
    start: { id: DirectoryId; path: string },
    options: { at: Position; remember: boolean },
  ): Promise<DirectoryTree> {
    return this.inTurn(async () => {
      const rows = await this.changedRows(options);
      const rowOf = (id: DirectoryId): DirectoryRow => rows.get(id) ?? readRow(this.level, id) ?? EMPTY;
      return new DirectoryTree(start, rowOf);
    });
  }

  /** Where what is remembered is not what the entries say, for `replay --check`: ids of directories. */
  differences(): Promise<DirectoryId[]> {
    return this.inTurn(async () => {
      const at = readCheckpoint(this.level);
      if (at === null) return [];
      const differing: DirectoryId[] = [];
      for (const [id, { value }] of await this.allRows(at))
        if (!readRow(this.level, id)?.value.equals(value)) differing.push(id);
      return differing;
    });
  }

  /** Rows of all directories that may not be as remembered; kept as well where that is asked for. */
  private async changedRows({ at, remember }: { at: Position; remember: boolean }): Promise<Rows> {
    const known = readCheckpoint(this.level);
    if (known === at) return new Map();
    const stale = known === null ? null : await this.staleDirectories(known, at);
    const rows = stale === null ? await this.allRows(at) : await this.rowsOf(stale, at);
    if (!remember || (known !== null && known > at)) return rows;
    await this.keep(rows, { at, all: stale === null });
    return rows;
  }

  /** A full disk does not keep a query from its answer. */
  private async keep(rows: Rows, { at, all }: { at: Position; all: boolean }): Promise<void> {
    try {
      await (all ? writeAllRows : writeChangedRows)(this.level, rows, at);
    } catch (error) {
      if (!isHkfsError(explainLevelError(error, this.level.location), 'NO_SPACE')) throw error;
    }
  }

  /** Null where they are so many that one run over all entries is faster. */
  private async staleDirectories(known: Position, at: Position): Promise<Stale | null> {
    const span = { from: Math.min(known, at) + 1, to: Math.max(known, at) + 1 };
    if (span.to - span.from > MAX_EVENTS) return null;
    const touched = await touchedDirectories(this.log, span);
    if (touched.size > MAX_DIRECTORIES) return null;
    return { touched, all: await withDirectoriesAbove(this.level, touched, at) };
  }

  /** Of every directory that was ever in the tree and has a name somewhere at the moment. */
  private async allRows(at: Position): Promise<Rows> {
    const rows: Rows = new Map();
    const drafts = new Map<DirectoryId, DirectoryDraft>([[0, new DirectoryDraft()]]);
    const facts = new EntryFacts();
    let parent = 0;
    await visitAllEntries(this.level, at, (key, value) => {
      const id = keys.parentOfEntryKey(key);
      if (id !== parent) {
        finishLeaf(drafts, rows, parent);
        parent = id;
        drafts.set(id, new DirectoryDraft());
      }
      facts.read(value, keys.readPosition(key, key.length - 8));
      drafts.get(id)!.add(keys.nameOfEntryKey(key), facts);
    });
    for (const draft of [...drafts.values()])
      for (const { id } of draft.gaps) if (!drafts.has(id) && !rows.has(id)) rows.set(id, EMPTY);
    finishAll(drafts, rows, () => undefined);
    return rows;
  }

  /** Of these directories, and of those below them of which nothing is remembered. */
  private async rowsOf(stale: Stale, at: Position): Promise<Rows> {
    const remembered = new Map<DirectoryId, Summary>();
    const unfinished = new Map<DirectoryId, Unfinished>();
    const waiting = [...stale.all];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (unfinished.has(id)) continue;
      const row = readRow(this.level, id);
      if (row && !stale.touched.has(id)) {
        unfinished.set(id, new DirectoryPatch(row, stale.all));
        continue;
      }
      for (const child of row?.children() ?? []) remembered.set(child.id, child.summary);
      const draft = await this.draftOf(id, at);
      unfinished.set(id, draft);
      waiting.push(...this.unknownIn(draft, stale, remembered));
    }
    const rows: Rows = new Map();
    finishAll(unfinished, rows, (id) => remembered.get(id));
    return rows;
  }

  /** Directories in this one of which nothing is remembered; of the others that are not stale, what is. */
  private unknownIn(
    draft: DirectoryDraft,
    stale: Stale,
    remembered: Map<DirectoryId, Summary>,
  ): DirectoryId[] {
    const unknown: DirectoryId[] = [];
    for (const { id } of draft.gaps) {
      if (stale.all.has(id) || remembered.has(id)) continue;
      const row = readRow(this.level, id);
      if (row) remembered.set(id, row.summary);
      else unknown.push(id);
    }
    return unknown;
  }

  private async draftOf(id: DirectoryId, at: Position): Promise<DirectoryDraft> {
    const draft = new DirectoryDraft();
    const facts = new EntryFacts();
    await visitEntriesOf(this.level, { id, at }, (key, value) => {
      facts.read(value, keys.readPosition(key, key.length - 8));
      draft.add(keys.nameOfEntryKey(key), facts);
    });
    return draft;
  }

  private async inTurn<T>(act: () => Promise<T>): Promise<T> {
    const before = turns.get(this.level) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(act);
    turns.set(this.level, mine);
    return mine;
  }
}

/** An empty directory. */
const EMPTY: DirectoryRow = new DirectoryDraft().finish(() => {
  throw new Error('there is nothing below');
});

/** Most directories hold none: their bytes need not be kept. */
function finishLeaf(drafts: Map<DirectoryId, DirectoryDraft>, rows: Rows, id: DirectoryId): void {
  const draft = drafts.get(id)!;
  if (draft.gaps.length > 0) return;
  rows.set(
    id,
    draft.finish(() => EMPTY.summary),
  );
  drafts.delete(id);
}

/**
 * Each directory after those in it, and out of `unfinished` then, because both hold its bytes. No recursion: a
 * path may be a hundred thousand levels deep.
 */
function finishAll(
  unfinished: Map<DirectoryId, Unfinished>,
  rows: Rows,
  remembered: (id: DirectoryId) => Summary | undefined,
): void {
  const summaryOf = (id: DirectoryId): Summary => rows.get(id)?.summary ?? remembered(id) ?? missing(id);
  for (const first of unfinished.keys()) {
    const stack = [first];
    for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
      const directory = unfinished.get(id);
      const open = directory?.gaps.filter((gap) => unfinished.has(gap.id)) ?? [];
      for (const child of open) stack.push(child.id);
      if (open.length > 0) continue;
      if (directory) rows.set(id, directory.finish(summaryOf));
      unfinished.delete(id);
      stack.pop();
    }
  }
}

function missing(id: DirectoryId): never {
  throw new Error(`nothing is known of directory ${id}`);
}
