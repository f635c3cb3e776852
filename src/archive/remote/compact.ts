/**
 * The use case: many small log segments of a remote become few. The new ones are made first, from our own
 * log once it was found to be the same; then those that they cover go. The only thing of backups that
 * removes anything.
 */
import { encodeStoredCommit, endOf } from '../../events/segment.js';
import type { Position } from '../../events/types.js';
import { failpoint } from '../../fs/failpoints.js';
import type { CompactOptions, CompactSummary } from '../api.js';
import type { OpenArchive } from '../open-archive.js';
import { expectBlob } from './expect-blob.js';
import { claimName, segmentName, type SegmentSpan } from './names.js';
import { openRemoteStore } from './open-remote.js';
import { planSegments, type CommitExtent } from './plan.js';
import { publicKey } from './public-key.js';
import { lastBackup, registeredRemote } from './registered.js';
import { RemoteArchive, type NamedSegment } from './remote-archive.js';
import { remoteBase } from './remote-base.js';

/** What there is of the log at a remote; `claims` are first positions. */
interface LogListing {
  readonly segments: readonly NamedSegment[];
  readonly claims: readonly Position[];
}

/** What is to be made and what is to go, as a value. */
export interface CompactPlan {
  readonly made: readonly SegmentSpan[];
  /** Made before, by a compaction that was cut short: what goes is in them, if they are whole. */
  readonly relied: readonly SegmentSpan[];
  readonly removed: readonly string[];
}

/** @throws HkfsError REMOTE_*, also where the right to remove is lacking */
export async function compactRemote(
  archive: OpenArchive,
  options: CompactOptions,
  clock: () => number,
): Promise<CompactSummary> {
  const started = clock();
  const registered = await registeredRemote(archive, options.remote);
  const store = await openRemoteStore(registered.url, options);
  try {
    const remote = new RemoteArchive(store, archive.file.id);
    const known = (await lastBackup(archive, registered))?.size ?? null;
    const { size } = await remoteBase(remote, archive.log, { key: publicKey(archive), known, mend: true });
    const listing = { segments: await remote.listSegments(), claims: await remote.listClaims() };
    const wanted = planSegments(await extents(archive, size));
    const plan = planCompaction(remote.id, { listing, wanted, size });
    if (!options.dryRun) await execute(archive, remote, plan);
    return {
      remote: registered.name,
      url: registered.url,
      before: listing.segments.length,
      after: listing.segments.length + plan.made.length - segmentsIn(plan),
      made: plan.made.length,
      removed: plan.removed.length,
      seconds: (clock() - started) / 1000,
      ...(options.dryRun ? { dryRun: true } : {}),
    };
  } finally {
    await store.close();
  }
}

/** @param about.size what the newest checkpoint covers: only what lies below is touched */
export function planCompaction(
  id: string,
  { listing, wanted, size }: { listing: LogListing; wanted: readonly SegmentSpan[]; size: number },
): CompactPlan {
  const names = new Set(wanted.map((span) => segmentName(id, span)));
  const covered = listing.segments.filter(({ name, last }) => last < size && !names.has(name));
  const there = new Set(listing.segments.map(({ name }) => name));
  const made = wanted.filter((span) => !there.has(segmentName(id, span)));
  const claims = listing.claims.filter((first) => first < size).map((first) => claimName(id, first));
  if (covered.length <= made.length) return { made: [], relied: [], removed: claims };
  const holds = (span: SegmentSpan): boolean =>
    covered.some(({ first, last }) => first <= span.last && last >= span.first);
  const relied = wanted.filter((span) => there.has(segmentName(id, span)) && holds(span));
  return { made, relied, removed: [...covered.map(({ name }: NamedSegment) => name), ...claims] };
}

async function execute(archive: OpenArchive, remote: RemoteArchive, plan: CompactPlan): Promise<void> {
  const { store, id } = remote;
  for (const span of plan.relied) await refuseDamaged(archive, remote, span);
  for (const span of plan.made) {
    const outcome = await store.create(segmentName(id, span), await bytesOf(archive, span));
    // Somebody else compacts as well.
    if (outcome === 'exists') await refuseDamaged(archive, remote, span);
    failpoint('compact.made');
  }
  await store.flush();
  failpoint('compact.flushed');
  for (const name of plan.removed) {
    await store.remove(name);
    failpoint('compact.removed');
  }
  await store.flush();
}

/** Before what it covers goes. @throws HkfsError REMOTE_DAMAGED */
async function refuseDamaged(archive: OpenArchive, remote: RemoteArchive, span: SegmentSpan): Promise<void> {
  const name = segmentName(remote.id, span);
  if ((await expectBlob(remote.store, name, await bytesOf(archive, span))) !== 'same')
    throw remote.damaged(name, 'it has other bytes than the log of this archive, so nothing was removed');
}

async function bytesOf(archive: OpenArchive, { first, last }: SegmentSpan): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const stored of archive.log.readStored({ from: first, to: last + 1 }))
    parts.push(encodeStoredCommit(stored));
  return Buffer.concat(parts);
}

async function extents(archive: OpenArchive, size: number): Promise<CommitExtent[]> {
  const found: CommitExtent[] = [];
  for await (const { commit, events } of archive.log.readStored({ from: 0, to: size })) {
    const bytes = events.reduce((sum, event) => sum + event.length, 0);
    found.push({ first: commit.first, last: endOf(commit) - 1, bytes });
  }
  return found;
}

function segmentsIn({ removed }: CompactPlan): number {
  return removed.filter((name) => name.includes('-', name.lastIndexOf('/'))).length;
}
