/**
 * The use case: an archive whose log, or what else of `.hkfs` is ours, is damaged or gone. What is proved here is
 * kept, another place gives the rest, and all of it is made beside the archive before anything is moved.
 */
import { HkfsError } from '../../errors.js';
import { formatVerifierKey } from '../../events/signed-note.js';
import type { DamagedFile } from '../../events/salvage/level-files.js';
import type { Head, Position } from '../../events/types.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { WrittenFilesystem } from '../../fs/durable.js';
import { failpoint } from '../../fs/failpoints.js';
import { loadPosix } from '../../fs/posix.js';
import type { RecoverOptions, RecoverSummary } from '../api.js';
import { explaining } from '../explain-error.js';
import { layoutOf, type ArchiveFile, type Layout } from '../layout.js';
import { FORMAT_VERSION } from '../layout.js';
import { readVerifierKey } from '../proof-files.js';
import { buildLog, checkBuilt, type BuiltLog } from './build-log.js';
import { finishRecovery } from './finish.js';
import { lockLog, recoverFolder, remove } from './folder.js';
import { identify, type Identity } from './identity.js';
import { openLogHere, type LogHere } from './log-here.js';
import { makePlan, type RecoverPlan } from './plan.js';
import { refuseForeign } from './refuse.js';
import { openSource, type RecoverSource } from './source.js';
import { existing, moveAll, readReady, writeReady, type Move } from './swap.js';

/** What the part after the renames has to know, also when another process does it. */
export interface LogState {
  readonly way: 'log';
  readonly file: ArchiveFile;
  readonly writesArchiveFile: boolean;
  /** A public key to be written. */
  readonly publicKey: string | null;
  readonly origin: { readonly url: string } | null;
  readonly from: string | null;
  /** That has to have signed, or has. */
  readonly key: string | null;
  /** Views are gone, and contents may be. */
  readonly replays: boolean;
  readonly had: Position;
  /** Contents were not here: their names may be missing as well. */
  readonly buildsTree?: true;
  readonly summary: RecoverySoFar;
}

export interface TreeState {
  readonly way: 'tree';
  readonly summary: RecoverySoFar;
}

export type State = LogState | TreeState;

/** What is made beside the archive, and how it takes its place. */
export interface Planned {
  readonly state: State;
  readonly moves: readonly Move[];
  /** For people; none: there is nothing to do. */
  readonly lines: readonly string[];
  readonly head: Head;
}

export type RecoverySoFar = Omit<
  RecoverSummary,
  'archive' | 'recovered' | 'objects' | 'bytes' | 'damaged' | 'missing' | 'seconds'
>;

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
    const { key, env = process.env } = this.options;
    const known = key === undefined ? identity.key : readVerifierKey(key);
    return openSource(here.remotes.get(from) ?? from, { id: id ?? identity.id, key: known, env });
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

function plannedOf(
  here: LogHere,
  { identity, built, aside }: { identity: Identity; built: BuiltLog; aside: string },
): Planned {
  const { source } = built;
  const writes = whatToWrite(identity, built);
  const plan = makePlan({
    damagedFiles: here.damaged,
    isWhole: here.whole !== null,
    had: here.had,
    ...{ here: built.here, fetched: built.fetched, head: built.head },
    from: source && { url: source.url, signedBy: source.key && formatVerifierKey(source.key) },
    remotes: [...here.remotes.keys()],
    writesArchiveFile: writes.archiveFile,
    writesPublicKey: writes.publicKey !== null,
    writesOrigin: writes.origin,
    unrecovered: writes.unrecovered,
    aside,
  });
  const state: LogState = {
    way: 'log',
    file: writes.file,
    writesArchiveFile: writes.archiveFile,
    publicKey: writes.publicKey,
    origin: writes.origin && source ? { url: source.url } : null,
    from: source?.url ?? null,
    key: source?.key ? formatVerifierKey(source.key) : null,
    replays: plan.replays,
    had: here.had,
    summary: summaryOf(built, { plan, damagedFiles: here.damaged, writes, aside }),
  };
  const moves: Move[] = [];
  if (plan.replacesLog) moves.push(['log', aside], ['recover/log', 'log']);
  if (plan.replays) moves.push(['views', 'recover/views']);
  return { state, moves, lines: plan.lines, head: built.head };
}

interface Writes {
  readonly file: ArchiveFile;
  readonly archiveFile: boolean;
  readonly publicKey: string | null;
  readonly origin: boolean;
  readonly unrecovered: readonly string[];
}

/** Small files that are ours and can be made again, and those that cannot. */
function whatToWrite(identity: Identity, { id, createdMs, source }: BuiltLog): Writes {
  const { file, publicKey, privateKey, originFile } = identity;
  if (source !== null && source.id !== id)
    throw new HkfsError('REMOTE_FOREIGN', `${source.url} is archive ${source.id}, and not ${id}`, {
      hint: 'name a place that has this archive',
    });
  const signed = identity.key ?? source?.key ?? null;
  const isClone = originFile === 'good';
  const writesOrigin = originFile === 'damaged';
  if (writesOrigin && source === null) throw withoutOrigin();
  return {
    file:
      file?.id === id
        ? file
        : { format: FORMAT_VERSION, id, hash: 'blake3-256', created: new Date(createdMs).toISOString() },
    archiveFile: file?.id !== id,
    publicKey: publicKey !== 'good' && signed !== null ? formatVerifierKey(signed) : null,
    origin: writesOrigin,
    unrecovered: [...(privateKey === 'good' || isClone || writesOrigin ? [] : [lostKey(privateKey)])],
  };
}

/** Taken for no clone, it would get a history of its own. */
function withoutOrigin(): HkfsError {
  return new HkfsError('USAGE', 'this is a clone whose origin.json is damaged', {
    hint: 'name with --from where it came from, or move origin.json away if it is to be an archive of its own',
  });
}

function lostKey(state: string): string {
  return `the private key .hkfs/keys/archive is ${state}, and is nowhere else: bring it back from a copy; without one, move the folder .hkfs/keys away, a new key is made when it is needed, and backups go to a new remote`;
}

function summaryOf(
  { head, id, here, fetched, source }: BuiltLog,
  {
    plan,
    damagedFiles,
    writes,
    aside,
  }: { plan: RecoverPlan; damagedFiles: readonly DamagedFile[]; writes: Writes; aside: string },
): RecoverySoFar {
  return {
    ...{ id, way: 'log', from: source?.url ?? null, ...head, here, fetched },
    damagedFiles: damagedFiles.map(({ name, ...rest }) => ({
      name: name === '' ? 'log' : `log/${name}`,
      ...rest,
    })),
    lost: plan.lost,
    unrecovered: writes.unrecovered,
    kept: plan.replacesLog ? [aside] : [],
    plan: plan.lines,
  };
}
