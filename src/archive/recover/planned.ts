/** From what was found and made beside the archive to what is to be done: renames, small files, and what is said. */
import { HkfsError } from '../../errors.js';
import type { DamagedFile } from '../../events/salvage/level-files.js';
import { formatVerifierKey } from '../../events/signed-note.js';
import type { Head, Position } from '../../events/types.js';
import type { RecoverSummary } from '../api.js';
import { FORMAT_VERSION, type ArchiveFile } from '../layout.js';
import type { BuiltLog } from './build-log.js';
import type { Identity } from './identity.js';
import type { LogHere } from './log-here.js';
import { makePlan, type RecoverPlan } from './plan.js';
import type { Move } from './swap.js';

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

export function plannedOf(
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
function whatToWrite(identity: Identity, { id, createdMs, source, guessed }: BuiltLog): Writes {
  const { file, publicKey, privateKey, originFile } = identity;
  if (source !== null && source.id !== id)
    throw new HkfsError('REMOTE_FOREIGN', `${source.url} is archive ${source.id}, and not ${id}`, {
      hint: 'name a place that has this archive',
    });
  const signed = identity.key ?? source?.key ?? null;
  const isClone = originFile === 'good';
  const writesOrigin = originFile === 'damaged';
  if (writesOrigin && source === null) throw withoutOrigin();
  const created = new Date(createdMs).toISOString();
  const said = isClone || writesOrigin ? ({ origin: true } as const) : {};
  return {
    file: file?.id === id ? file : { format: FORMAT_VERSION, id, hash: 'blake3-256', created, ...said },
    archiveFile: file?.id !== id,
    publicKey: publicKey !== 'good' && signed !== null ? formatVerifierKey(signed) : null,
    origin: writesOrigin,
    unrecovered: [
      ...(privateKey === 'good' || isClone || writesOrigin ? [] : [lostKey(privateKey)]),
      ...(guessed === 0 ? [] : [`the times of ${guessed} commits: they have that of the commit before`]),
    ],
  };
}

/** Taken for no clone, it would get a history of its own. */
function withoutOrigin(): HkfsError {
  return new HkfsError('USAGE', 'this is a clone whose origin.json is damaged or gone', {
    hint: 'name with --from where it came from, or, if it is to be an archive of its own, move origin.json away and take the line "origin" out of archive.json',
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
