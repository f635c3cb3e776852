/**
 * Without koffi nothing says which extended attributes and ACLs a file has, nor how its owner is called.
 * Unknown is not none: what is known of an entry stays, it is told once, and nothing that has them goes.
 */
import { HkfsError } from '../../errors.js';
import type { Attributes } from '../../events/types.js';
import type { Posix } from '../../fs/posix.js';
import type { Entry } from '../../projections/namespace.js';
import type { IngestMode, Message } from '../api.js';

const HINT = 'install koffi for this platform: `npm install koffi` where hkfs is installed';

export function tellUnread(posix: Posix | null, onMessage: (message: Message) => void): void {
  if (posix !== null) return;
  const text = `extended attributes, ACLs and names of owners cannot be read without koffi: of new entries they are not recorded; ${HINT}`;
  onMessage({ level: 'warning', code: 'ATTRIBUTES_UNREAD', text });
}

/** Whether attributes that cannot be read cost a warning only: what goes with a source would be lost with it. */
export function isLenient(mode: IngestMode | undefined): boolean {
  return mode !== 'move' && mode !== 'assimilate';
}

/** Where sources go, or become other inodes, they would take the attributes with them. */
export function refuseUnread(posix: Posix | null, mode: IngestMode): void {
  if (posix !== null || (mode !== 'move' && mode !== 'assimilate')) return;
  throw new HkfsError(
    'ATTRIBUTES_UNREAD',
    `extended attributes and ACLs cannot be read without koffi, and --mode ${mode} would lose them`,
    { hint: `${HINT}; or leave out --mode, which keeps the sources` },
  );
}

export function withKnown(attributes: Attributes, entry: Entry | undefined, posix: Posix | null): Attributes {
  if (posix !== null || entry === undefined) return attributes;
  const { xattrs, user, group, uid, gid } = entry.event.attributes;
  return {
    ...attributes,
    user: uid === attributes.uid ? user : null,
    group: gid === attributes.gid ? group : null,
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}
