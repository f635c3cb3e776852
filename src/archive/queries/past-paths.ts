/** Paths that are not there at a moment but were, or will be: said where a query does not find them. */
import { HkfsError, isHkfsError } from '../../errors.js';
import type { Hash, Position } from '../../events/types.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import { objectPath } from '../../fs/stage.js';
import { PlaceHistory, type Span } from '../../projections/place-history.js';
import type { NamedEntry } from '../../projections/namespace.js';
import { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';
import { candidatePaths, resolvePath, resolveTarget, type Target } from './targets.js';

const MAX_UINT64 = (1n << 64n) - 1n;

/** As resolvePath, and a path that was there at another moment is told with when that was. */
export function resolvePathAt(archive: OpenArchive, text: string, at = archive.now): Promise<NamedEntry> {
  return tellingWhen(archive, { text, at }, () =>
    resolvePath(text, archive.layout.root, archive.namespace(at)),
  );
}

/** As resolveTarget, with the same help. */
export function resolveTargetAt(archive: OpenArchive, text: string, at: Position): Promise<Target> {
  const where = {
    root: archive.layout.root,
    namespace: archive.namespace(at),
    contents: archive.contents(at),
    sealed: (inode: bigint) => sealedHash(archive, inode),
  };
  return tellingWhen(archive, { text, at }, () => resolveTarget(text, where));
}

/** The log may know the inode as it was elsewhere only. */
async function sealedHash(archive: OpenArchive, inode: bigint): Promise<Hash | null> {
  const objects = lstatOrNull(archive.layout.objects);
  if (objects === null || inode > MAX_UINT64) return null;
  const [seal] = await new ObjectIndex(archive.views.level).seals([{ device: objects.dev, inode }]);
  if (seal === undefined) return null;
  const files = twinPaths(objectPath(archive.layout.objects, Buffer.from(seal.hash, 'hex')));
  return files.some((file) => lstatOrNull(file)?.ino === inode) ? seal.hash : null;
}

/**
 * When a path was there, as a hint for one that is not at the moment; null for one that never was. Of
 * several times the last before the moment, else the first after it.
 */
export async function hintOfPast(archive: OpenArchive, path: string, at: Position): Promise<string | null> {
  const spans = await spansOf(archive, path);
  const span = spans.findLast(({ from }) => from <= at) ?? spans[0];
  if (span === undefined) return null;
  const from = `@${span.from} (${await timeOf(archive, span.from)})`;
  if (span.to > archive.now) return `it is there from ${from} on; use --at @${span.from} or a later moment`;
  const until = `@${span.to} (${await timeOf(archive, span.to)})`;
  return `it was there from ${from} until ${until}; use --at @${span.to - 1}`;
}

async function tellingWhen<T>(
  archive: OpenArchive,
  asked: { text: string; at: Position },
  resolve: () => Promise<T>,
): Promise<T> {
  try {
    return await resolve();
  } catch (error) {
    if (!isHkfsError(error, 'NOT_FOUND')) throw error;
    for (const path of candidatePaths(asked.text, archive.layout.root)) {
      const hint = await hintOfPast(archive, path, asked.at);
      if (hint === null) continue;
      const when = asked.at === archive.now ? 'any more' : `at @${asked.at}`;
      throw new HkfsError('NOT_FOUND', `there is no ${JSON.stringify(asked.text)} in the archive ${when}`, {
        hint,
      });
    }
    throw error;
  }
}

/** When anything stood at a path, oldest first: what replaced it at once goes on. */
export async function spansOf(archive: OpenArchive, path: string): Promise<Span[]> {
  const found = await new PlaceHistory(archive.views.level).occupancies(path);
  const spans: Span[] = [];
  for (const { from, to } of found.sort((a, b) => a.from - b.from)) {
    const last = spans.at(-1);
    if (last && last.to >= from) spans[spans.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    else spans.push({ from, to });
  }
  return spans;
}

async function timeOf(archive: OpenArchive, position: Position): Promise<string> {
  return new Date((await archive.log.commitAt(position)).timeMs).toISOString();
}
