/** The use case: contents that are damaged or missing here come back from where there is a good copy. */
import type { Hash } from '../../events/types.js';
import type { HealOptions, HealSummary } from '../api.js';
import type { Committer } from '../committer.js';
import type { OpenArchive } from '../open-archive.js';
import { Operation } from '../operation.js';
import { resolvePathAt } from '../queries/past-paths.js';
import { isPureClone, readOrigin } from '../remote/origin.js';
import { absentObjects } from './examine.js';
import { Healer } from './healer.js';

/** @throws HkfsError NOT_FOUND for a path before anything is done, INTERRUPTED */
export async function heal(
  archive: OpenArchive,
  options: HealOptions,
  clock: () => number,
): Promise<HealSummary> {
  const started = clock();
  const hashes = await doubtful(archive, options.paths ?? []);
  let operation: Operation | null = null;
  const isFollower = isPureClone(archive);
  const begin = async (): Promise<Committer | null> => {
    if (isFollower) return null;
    operation ??= await Operation.start(archive, {
      command: 'heal',
      args: options.paths ?? [],
      sources: [],
      clock,
      onMessage: options.onMessage ?? (() => {}),
    });
    return operation.committer;
  };
  const healer = new Healer(archive, options, begin);
  const counts = (): Record<string, number> => ({
    objects: healer.objects,
    healed: healer.healed.length,
    lost: healer.lost.length,
  });
  try {
    await healer.heal(hashes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await (operation as Operation | null)?.fail(reason, counts());
    throw error;
  }
  await (operation as Operation | null)?.complete(counts());
  // Without an operation nothing else makes sure that names of healed contents outlast a power cut.
  if (isFollower && healer.healed.length > 0) await archive.sync();
  const { objects, healed, lost } = healer;
  const { number } = (operation as Operation | null) ?? { number: null };
  return { operation: number, objects, healed, lost, seconds: (clock() - started) / 1000 };
}

/** With paths: every content there. Without: what an earlier check told, and what is not there at all. */
async function doubtful(archive: OpenArchive, paths: readonly string[]): Promise<Set<Hash>> {
  const hashes = new Set<Hash>();
  if (paths.length === 0) {
    for (const hash of (await archive.contents().findings('')).keys()) hashes.add(hash);
    const isCatalogue = readOrigin(archive.layout)?.state === 'catalogue';
    if (!isCatalogue) for (const hash of await absentObjects(archive)) hashes.add(hash);
    return hashes;
  }
  for (const path of paths) {
    const start = await resolvePathAt(archive, path, archive.now);
    const below = start.entry.directoryId === null ? [start] : archive.namespace().walk(start);
    for await (const { entry } of below)
      if (entry.event.type === 'file.ingested' && entry.event.hash !== null) hashes.add(entry.event.hash);
  }
  return hashes;
}
