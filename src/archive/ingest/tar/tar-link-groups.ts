/**
 * Members that a tar says were one inode: they are in one group, and no member of another tar is. Numbers of
 * devices and inodes mean something on the machine that made the tar alone, and there for a while.
 */
import type { Attributes, Position } from '../../../events/types.js';
import type { TarMember } from '../../../tar/tar-member.js';
import { SeenPlaces } from './seen-places.js';
import { NO_DEVICE, type FileContent, type Standing } from './tree-words.js';

export type Inode = TarMember['inode'];
type LinkGroup = NonNullable<Attributes['linkGroup']>;

/** Places of the two tables in one. */
const OF_INODE = 0;
const OF_GROUP = 1;

export class TarLinkGroups {
  private readonly groups = new SeenPlaces();

  /** @param at what stands at the member's place, and where the next event will be */
  of(
    [device, inode]: NonNullable<Inode>,
    content: FileContent,
    at: { standing: Standing | null; next: Position },
  ): LinkGroup {
    const place = { parent: OF_INODE, name: `${device}:${inode}` };
    const position = this.groups.get(place)?.position ?? this.newGroup(content, at);
    this.groups.set(place, { position, kind: 'linked' });
    return [NO_DEVICE, BigInt(position)];
  }

  /** The one of before, unless it went to another inode of this tar. */
  private newGroup(content: FileContent, at: { standing: Standing | null; next: Position }): Position {
    const kept = keptGroup(content, at.standing);
    if (kept === undefined) return at.next;
    const place = { parent: OF_GROUP, name: String(kept) };
    if (this.groups.get(place) !== undefined) return at.next;
    this.groups.set(place, { position: kept, kind: 'linked' });
    return kept;
  }
}

/** The same tar again changes nothing: the group of the entry that it made before. */
function keptGroup(content: FileContent, standing: Standing | null): Position | undefined {
  const event = standing?.entry?.event;
  if (event?.type !== 'file.ingested' || event.hash !== content.hash || event.size !== content.size)
    return undefined;
  const { linkGroup } = event.attributes;
  return linkGroup?.[0] === NO_DEVICE ? Number(linkGroup[1]) : standing!.entry!.position;
}
