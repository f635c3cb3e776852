/** What a recovery is going to do, as a value: made before anything of the archive is changed. */
import { counted } from '../../errors.js';
import type { DamagedFile } from '../../events/salvage/level-files.js';
import type { Head, Position } from '../../events/types.js';

export interface RecoverFacts {
  readonly damagedFiles: readonly DamagedFile[];
  /** The log opens, and all of it is proved. */
  readonly isWhole: boolean;
  /** How many events there were, as far as anything here tells. */
  readonly had: Position;
  /** Events of the new log that are proved here, and of those how many stand before anything from elsewhere. */
  readonly here: number;
  readonly fetched: number;
  readonly head: Head;
  /** From where, and who has signed it. */
  readonly from: { readonly url: string; readonly signedBy: string | null } | null;
  /** Names of remotes that the log speaks of. */
  readonly remotes: readonly string[];
  /** `archive.json` is to be written. */
  readonly writesArchiveFile: boolean;
  readonly writesPublicKey: boolean;
  readonly writesOrigin: boolean;
  readonly unrecovered: readonly string[];
  /** Where the damaged log goes, below `.hkfs`. */
  readonly aside: string;
}

export interface RecoverPlan {
  readonly lines: readonly string[];
  readonly lost: { readonly from: Position; readonly events: number } | null;
  readonly replacesLog: boolean;
  /** The views are made again. */
  readonly replays: boolean;
  /** Nothing is to be done. */
  readonly isEmpty: boolean;
}

export function makePlan(facts: RecoverFacts): RecoverPlan {
  const { head, had, isWhole } = facts;
  const lost = had > head.size ? { from: head.size, events: had - head.size } : null;
  const replacesLog = !isWhole || facts.fetched > 0;
  const replays = replacesLog || lost !== null;
  const lines = [
    ...(replacesLog ? keptLines(facts) : []),
    ...(lost === null ? [] : [lostLine(lost, facts.from === null ? facts.remotes : [])]),
    ...(replacesLog ? madeLines(facts) : []),
    ...(replays ? ['replay the views, and look for contents that are not here'] : []),
    ...fileLines(facts),
  ];
  return { lines, lost, replacesLog, replays, isEmpty: lines.length === 0 };
}

function keptLines({ here, fetched, from }: RecoverFacts): string[] {
  const lines = [`keep ${counted(here, 'event')} that the fingerprints prove of the log here`];
  if (from === null) return lines;
  const signed = from.signedBy === null ? 'which nobody has signed' : `signed by ${from.signedBy}`;
  return [...lines, `take ${counted(fetched, 'event')} from ${from.url}, ${signed}`];
}

function madeLines({ aside, head }: RecoverFacts): string[] {
  return [
    `make a log of ${counted(head.size, 'event')}, root ${head.root}`,
    `keep the log that is there as .hkfs/${aside}`,
  ];
}

function lostLine({ from, events }: { from: Position; events: number }, remotes: readonly string[]): string {
  const hint = remotes.length === 0 ? '' : `; a backup may have them: --from ${remotes.join(', --from ')}`;
  return `lose ${counted(events, 'event')} from position ${from} on: they are neither here nor there${hint}`;
}

function fileLines({ writesArchiveFile, writesPublicKey, writesOrigin }: RecoverFacts): string[] {
  return [
    ...(writesArchiveFile ? ['write archive.json anew, with the id that the log has'] : []),
    ...(writesPublicKey ? ['write the public key anew'] : []),
    ...(writesOrigin ? ['write origin.json anew: this is a clone'] : []),
  ];
}
