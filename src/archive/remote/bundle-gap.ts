/** A bundle has a part of a log: it is of use to whoever has all before it. */
import { HkfsError, counted } from '../../errors.js';
import type { RemoteArchive } from './remote-archive.js';

/** @throws HkfsError BUNDLE_GAP where the log there begins after ours ends */
export function refuseGap(
  { store, id }: RemoteArchive,
  { first, size }: { first: number; size: number },
): void {
  if (store.kind !== 'bundle' || first <= size) return;
  throw new HkfsError(
    'BUNDLE_GAP',
    `${store.url} begins at position ${first} of archive ${id}: it needs a clone whose head has ${counted(first, 'event')} or more`,
    {
      hint:
        size === 0
          ? 'clone from a remote or from a bundle without --since, and then `hkfs bundle apply`'
          : `this one has ${size}: make a bundle with --since @${size - 1}, or apply those that are between`,
    },
  );
}
