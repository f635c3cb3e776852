/**
 * The use case: an archive whose log, or what else of `.hkfs` is ours, is damaged or gone. What is proved here is
 * kept, another place gives the rest, and all of it is made beside the archive before anything is moved.
 */
import { absolutePath } from '../../fs/absolute-path.js';
import type { Head } from '../../events/types.js';
import { WrittenFilesystem } from '../../fs/durable.js';
import { failpoint } from '../../fs/failpoints.js';
import { loadPosix } from '../../fs/posix.js';
import type { RecoverOptions, RecoverSummary } from '../api.js';
import { explaining } from '../explain-error.js';
import { layoutOf, type Layout } from '../layout.js';
import { readVerifierKey } from '../proof-files.js';
import { buildLog, checkBuilt } from './build-log.js';
import { finishRecovery } from './finish.js';
import { lockLog, recoverFolder, remove } from './folder.js';
import { identify, type Identity } from './identity.js';
import { openLogHere, type LogHere } from './log-here.js';
import { plannedOf, type Planned, type State } from './planned.js';
import { refuseForeign, refuseOtherArchive } from './refuse.js';
import { openSource, type RecoverSource } from './source.js';
import { existing, moveAll, readReady, writeReady } from './swap.js';

/** @throws HkfsError NOT_AN_ARCHIVE, ARCHIVE_HELD, LOG_DAMAGED, REMOTE_*, BAD_SIGNATURE, KEY_MISMATCH, INTERRUPTED */
export function recover(options: RecoverOptions, clock: () => number): Promise<RecoverSummary> {
  const layout = layoutOf(absolutePath(options.directory));
  refuseForeign(layout);
  return explaining(layout, () => new Recovery(layout, options, clock).run());
}

const NOTHING = { objects: 0, bytes: 0, damaged: [], missing: [] };

class Recovery {
  private readonly layout: Layout;
  private readonly options: RecoverOptions;
  private readonly clock: () => number;
  private readonly started: number;

  constructor(layout: Layout, options: RecoverOptions, clock: () => number) {
    this.layout = layout;
    this.options = options;
    this.clock = clock;
    this.started = clock();
  }

  async run(): Promise<RecoverSummary> {
    const begun = readReady<State>(this.layout);
    if (begun !== null) return this.goOn(begun.state);
    return this.options.fromTree === true ? this.beginAnew() : this.recoverLog();
  }

  private async beginAnew(): Promise<RecoverSummary> {
    const lock = await lockLog(this.layout);
    try {
      const { planFromTree } = await import('./from-tree.js');
      const planned = await planFromTree(this.layout, this.clock);
      return await this.agreeAndDo(planned, () => lock.close());
    } finally {
      await lock.close();
      this.sweep();
    }
  }

  private async recoverLog(): Promise<RecoverSummary> {
    const here = await openLogHere(this.layout);
    let source: RecoverSource | null = null;
    let isHeld = true;
    const release = async (): Promise<void> => {
      if (!isHeld) return;
      isHeld = false;
      await source?.close();
      await here.close();
    };
    try {
      const identity = identify(this.layout);
      const { location, aside } = this.places();
      const { from, signal, onProgress } = this.options;
      const openSource =
        from === undefined ? null : (id: string | null) => this.sourceAt(from, { here, identity, id });
      const built = await buildLog(here, { location, openSource, signal, onProgress });
      ({ source } = built);
      return await this.agreeAndDo(plannedOf(here, { identity, built, aside }), release);
    } finally {
      await release();
      this.sweep();
    }
  }

  /** What nobody agreed to, or is done. */
  private sweep(): void {
    if (readReady(this.layout) === null) remove(recoverFolder(this.layout).path);
  }

  private async agreeAndDo(
    { state, moves, lines, head }: Planned,
    release: () => Promise<void>,
  ): Promise<RecoverSummary> {
    const { dryRun = false, confirm } = this.options;
    if (lines.length === 0 || dryRun) return this.answer(state, { recovered: false, dryRun });
    if (confirm && !(await confirm(lines))) return this.answer(state, { recovered: false });
    await this.makeDurable(moves.some(([from]) => from === 'recover/log') ? head : null);
    const ready = { moves: existing(this.layout, moves), state };
    writeReady(this.layout, ready);
    moveAll(this.layout, ready);
    // What was held until here is opened again under its new name, or by its own rules.
    await release();
    return this.finish(state);
  }

  /** The log of this archive is locked by whoever is here: another process that goes on finds it held. */
  private async goOn(state: State): Promise<RecoverSummary> {
    if (this.options.dryRun === true) return this.answer(state, { recovered: false, dryRun: true });
    const ready = readReady<State>(this.layout)!;
    if (ready.moves.length > 0) {
      const lock = await lockLog(this.layout);
      try {
        moveAll(this.layout, ready);
      } finally {
        await lock.close();
      }
    }
    return this.finish(state);
  }

  private async finish(state: State): Promise<RecoverSummary> {
    const found = await finishRecovery(this.layout, state, this.options, this.clock);
    failpoint('recover.finished');
    const folder = recoverFolder(this.layout);
    remove(folder.ready);
    remove(folder.path);
    return { ...this.answer(state, { recovered: true }), ...found };
  }

  /** @param head of the log that was made; null where the old one stays */
  private async makeDurable(head: Head | null): Promise<void> {
    const { log } = recoverFolder(this.layout);
    if (head !== null) await checkBuilt(log, head);
    const filesystem = new WrittenFilesystem(this.layout.hkfs);
    try {
      await filesystem.sync(loadPosix());
    } finally {
      filesystem.close();
    }
    failpoint('recover.built');
  }

  private sourceAt(
    from: string,
    { here, identity, id }: { here: LogHere; identity: Identity; id: string | null },
  ): Promise<RecoverSource> {
    const { key, archiveId, env = process.env, signal, onMessage } = this.options;
    const known = key === undefined ? identity.key : readVerifierKey(key);
    const own = id ?? identity.id;
    if (archiveId !== undefined) refuseOtherArchive(this.layout, own, archiveId);
    return openSource(here.remotes.get(from) ?? from, {
      ...{ id: own ?? archiveId ?? null, key: known },
      ...{ env, signal, onMessage },
    });
  }

  private places(): { location: string; aside: string } {
    const time = new Date(this.clock()).toISOString().replace(/[:.]/g, '-');
    return { location: recoverFolder(this.layout).log, aside: `log.damaged-${time}` };
  }

  private answer(
    { summary }: State,
    { recovered, dryRun = false }: { recovered: boolean; dryRun?: boolean },
  ): RecoverSummary {
    return {
      archive: this.layout.root,
      ...summary,
      recovered,
      ...NOTHING,
      seconds: (this.clock() - this.started) / 1000,
      ...(dryRun ? { dryRun } : {}),
    };
  }
}
