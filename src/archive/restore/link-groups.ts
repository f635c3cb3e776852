/** Names that shared one inode in the source, so that they share one again. */
import type { Entry } from '../../projections/namespace.js';
import type { FirstName, Standing, Verdict } from './judge.js';

export class LinkGroups {
  private readonly firstNames = new Map<string, FirstName>();

  /** The name that the entry is to be a further name of; only where both were taken in alike. */
  firstName(entry: Entry): FirstName | undefined {
    const key = groupKey(entry);
    return key === null ? undefined : this.firstNames.get(key);
  }

  /** A file that is there, or is going to be, may get further names; what is in its way may not. */
  remember(path: string, entry: Entry, now: { verdict: Verdict; standing: Standing | null }): void {
    const key = groupKey(entry);
    if (key === null || now.verdict === 'differs' || now.verdict === 'blocked') return;
    this.firstNames.set(key, { path, standing: now.verdict === 'keep' ? now.standing : null });
  }
}

/**
 * The same for names that were one inode and were taken in alike; null where there was one name. An inode
 * has one set of attributes: names that were taken in with others, before a change and after it, get files
 * of their own.
 */
export function groupKey({ event }: Entry): string | null {
  if (event.type !== 'file.ingested' || !event.attributes.linkGroup) return null;
  const { linkGroup, mode, uid, gid, user, group, mtimeNs, xattrs = [] } = event.attributes;
  const owner = JSON.stringify([mode, uid, gid, user, group]);
  const further = xattrs.map(([name, value]) =>
    JSON.stringify([name, Buffer.from(value).toString('latin1')]),
  );
  return [...linkGroup, event.hash, event.size, mtimeNs, owner, ...further].join(':');
}
