/** Entries as steps for the worker threads. */
import type { Hash } from '../../events/types.js';
import { twinPaths } from '../../fs/place.js';
import { lstatOrNull } from '../../fs/scan.js';
import type { RestoreStep } from '../../fs/tasks.js';
import type { InodeId } from '../../projections/keys.js';
import type { Entry } from '../../projections/namespace.js';
import { pathOfObject } from '../other-copies.js';
import type { RestorerParts } from './parts.js';

interface Wanted {
  readonly parts: RestorerParts;
  /** Whether what stands there makes room. */
  readonly replace: boolean;
}

export function stepOf(path: string, entry: Entry, wanted: Wanted): RestoreStep {
  const { parts, replace } = wanted;
  const { event } = entry;
  const { attributes } = event;
  switch (event.type) {
    case 'file.ingested': {
      const { hash, size } = event;
      if (hash === null)
        return { op: 'file', path, replace, content: { object: null, size: 0, hash: null }, attributes };
      const content = { object: objectOf(hash, parts), size, hash };
      if (parts.link) return { op: 'object', path, replace, content, attributes };
      return { op: 'file', path, replace, content, attributes };
    }
    case 'symlink.added':
      return { op: 'symlink', path, replace, target: event.target, attributes };
    case 'special.added': {
      const { kind, major, minor } = event;
      return { op: 'special', path, replace, kind, major, minor, attributes };
    }
    case 'directory.added':
      return { op: 'attributes', path, attributes };
  }
}

/** The inodes of which a linked file is to be one; null where it is a file of its own. */
export function inodesToBe(entry: Entry, parts: RestorerParts): InodeId[] | null {
  const { event } = entry;
  if (!parts.link) return null;
  if (event.type !== 'file.ingested' || event.hash === null) return null;
  return twinPaths(objectOf(event.hash, parts)).flatMap((path) => {
    const stat = lstatOrNull(path);
    return stat === null ? [] : [{ device: stat.dev, inode: stat.ino }];
  });
}

function objectOf(hash: Hash, parts: RestorerParts): string {
  return pathOfObject(parts.archive.layout.objects, hash);
}
