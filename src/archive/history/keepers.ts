/** What stays elsewhere of what an entry holds, or why nothing does: the judgement behind a prune. */
import type { Hash, Place, Position } from '../../events/types.js';
import { Below } from '../../fs/below.js';
import { treePath } from '../../fs/confined-path.js';
import { isBelowAny } from '../../fs/names.js';
import { objectPath } from '../../fs/stage.js';
import { lstatOrNull } from '../../fs/scan.js';
import { livePath, type Contents } from '../../projections/contents.js';
import { ROOT, type Entry, type NamedEntry, type Namespace } from '../../projections/namespace.js';
import { TreeProjection } from '../../projections/tree.js';
import type { OpenArchive } from '../open-archive.js';
import { placeOfEntry } from './change.js';
import { isInPlace } from './on-disk.js';

export interface Keeper {
  readonly place: Place;
  readonly path: string;
}

/** A keeper; null: held by history alone, or nothing to hold; a text: why it must not go. */
export type Verdict = { readonly keeper: Keeper | null } | { readonly reason: string };

export interface KeeperRules {
  /** What is about to go: nothing at or below any of it keeps anything. */
  readonly going: ReadonlySet<string>;
  readonly toHistory: boolean;
  /** Contents have to have been found right after this event; null: whenever. */
  readonly provenAfter: Position | null;
}

const NOTHING_TO_KEEP: Verdict = { keeper: null };

export class Keepers {
  private readonly archive: OpenArchive;
  private readonly rules: KeeperRules;
  private readonly namespace: Namespace;
  private readonly contents: Contents;
  private readonly tree: TreeProjection;
  private readonly disk: Below;
  private readonly verdicts = new Map<Hash, Verdict>();
  /** Contents that are known to be damaged, and how. */
  private readonly findings: ReadonlyMap<Hash, string>;
  /** Symlinks and specials elsewhere, by what they are. */
  private readonly others: ReadonlyMap<string, Keeper>;

  private constructor(
    archive: OpenArchive,
    rules: KeeperRules,
    known: { findings: ReadonlyMap<Hash, string>; others: ReadonlyMap<string, Keeper> },
  ) {
    this.archive = archive;
    this.rules = rules;
    this.findings = known.findings;
    this.others = known.others;
    this.namespace = archive.namespace();
    this.contents = archive.contents();
    this.tree = new TreeProjection(
      archive.views.level,
      archive.layout.root,
      archive.layout.objects,
      archive.since,
    );
    this.disk = new Below(archive.layout.root);
  }

  close(): void {
    this.disk.close();
  }

  /** @param starts the outermost entries that are about to go */
  static async of(archive: OpenArchive, starts: readonly NamedEntry[], rules: KeeperRules): Promise<Keepers> {
    const others = await othersOutside(archive, rules.going, await othersBelow(archive, starts));
    return new Keepers(archive, rules, { findings: await archive.contents().findings(''), others });
  }

  /** @param entry no directory */
  async judge(entry: Entry): Promise<Verdict> {
    const { event } = entry;
    if (event.type !== 'file.ingested') return this.judgeOther(entry);
    if (event.hash === null) return NOTHING_TO_KEEP;
    const known = this.verdicts.get(event.hash);
    if (known !== undefined) return known;
    const verdict = await this.judgeContent(event.hash, entry, event.size);
    this.verdicts.set(event.hash, verdict);
    return verdict;
  }

  private async judgeContent(hash: Hash, entry: Entry, size: number): Promise<Verdict> {
    const doubt = await this.doubtOf(hash, size);
    if (doubt !== null) return { reason: doubt };
    const own = this.tree.previousOf(entry)!;
    let untrue: string | null = null;
    for await (const place of this.contents.postings(hash)) {
      const path = await livePath(place, hash, this.namespace);
      if (path === null || isGoing(path, this.rules.going)) continue;
      const { parent, name } = place;
      if (isInPlace(this.disk, treePath(this.archive.layout.root, path), own))
        return { keeper: { place: { parent, name }, path } };
      untrue ??= path;
    }
    if (this.rules.toHistory) return NOTHING_TO_KEEP;
    return {
      reason:
        untrue === null
          ? 'its content is nowhere else'
          : `its content is elsewhere only as /${untrue}, which is not so on the disk (see \`hkfs sync\`)`,
    };
  }

  /** Why the object itself is not to be relied on. */
  private async doubtOf(hash: Hash, size: number): Promise<string | null> {
    const stat = lstatOrNull(objectPath(this.archive.layout.objects, Buffer.from(hash, 'hex')));
    if (stat === null) return 'its content is not in the hash tree';
    const finding = this.findings.get(hash);
    if (finding !== undefined) return `its content is known to be damaged (${finding}; see \`hkfs verify\`)`;
    if (stat.size !== BigInt(size)) return 'its object has another size than its content';
    const { provenAfter } = this.rules;
    return provenAfter === null ? null : this.ageOf(hash, provenAfter);
  }

  private async ageOf(hash: Hash, provenAfter: Position): Promise<string | null> {
    const proven = await this.contents.lastProven(hash);
    if (proven === null) return 'its content is not in the hash tree';
    if (proven > provenAfter) return null;
    const { timeMs } = await this.archive.log.commitAt(proven);
    return `its content was last verified ${new Date(timeMs).toISOString()}`;
  }

  private judgeOther(entry: Entry): Verdict {
    const keeper = this.others.get(signatureOf(entry)!);
    if (keeper !== undefined) return { keeper };
    return { reason: `no ${entry.kind} like it has its name elsewhere` };
  }
}

function isGoing(path: string, going: ReadonlySet<string>): boolean {
  return going.has(path) || isBelowAny(path, going);
}

/** What the symlinks and specials at and below entries are. */
async function othersBelow(archive: OpenArchive, starts: readonly NamedEntry[]): Promise<Set<string>> {
  const wanted = new Set<string>();
  const add = (entry: Entry): void => {
    const signature = signatureOf(entry);
    if (signature !== null) wanted.add(signature);
  };
  for (const start of starts) {
    add(start.entry);
    if (start.entry.directoryId !== null)
      for await (const { entry } of archive.namespace().walk(start)) add(entry);
  }
  return wanted;
}

/** They are in no index: one walk through the tree finds them, where there are any at all. */
async function othersOutside(
  archive: OpenArchive,
  going: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): Promise<Map<string, Keeper>> {
  const found = new Map<string, Keeper>();
  if (wanted.size === 0) return found;
  const disk = new Below(archive.layout.root);
  try {
    for await (const named of archive.namespace().walk({ path: '', entry: ROOT })) {
      const signature = signatureOf(named.entry);
      if (signature === null || !wanted.has(signature) || found.has(signature)) continue;
      if (isGoing(named.path, going) || !isOtherInPlace(archive, disk, named)) continue;
      found.set(signature, { place: placeOfEntry(named.entry), path: named.path });
      if (found.size === wanted.size) break;
    }
  } finally {
    disk.close();
  }
  return found;
}

/** Specials are kept in the log only, and are not looked for on the disk. */
function isOtherInPlace({ layout }: OpenArchive, disk: Below, { path, entry }: NamedEntry): boolean {
  const { event } = entry;
  if (event.type !== 'symlink.added') return true;
  return isInPlace(disk, treePath(layout.root, path), { kind: 'symlink', target: event.target });
}

/** Equal for symlinks of one name and text, and for specials of one name, kind and device; null for others. */
function signatureOf(entry: Entry): string | null {
  // Decoding each file's event would take most of the time.
  if (entry.kind === 'directory' || entry.kind === 'file') return null;
  const { name, event } = entry;
  if (event.type === 'symlink.added') return ['symlink', name, event.target].join('\0');
  return event.type === 'special.added' ? [event.kind, name, event.major, event.minor].join('\0') : null;
}
