/** Entries as rows for people and programs. */
import type { Attributes } from '../../events/types.js';
import type { NamedEntry } from '../../projections/namespace.js';
import type { EntryRow } from '../api.js';

export function entryRow({ path, entry }: NamedEntry): EntryRow {
  const { event } = entry;
  const { attributes } = event;
  const isFile = event.type === 'file.ingested';
  return {
    path,
    kind: entry.kind,
    size: isFile ? event.size : null,
    hash: isFile ? event.hash : null,
    mode: attributes.mode,
    uid: attributes.uid,
    gid: attributes.gid,
    user: attributes.user,
    group: attributes.group,
    mtimeNs: attributes.mtimeNs.toString(),
    target: event.type === 'symlink.added' ? event.target : null,
    xattrs: xattrRecord(attributes),
    ...(event.type === 'special.added' && (event.kind === 'chardev' || event.kind === 'blockdev')
      ? { device: `${event.major}:${event.minor}` }
      : {}),
    ...(attributes.sparse ? { sparse: true as const } : {}),
    ...(attributes.linkGroup ? { linkGroup: attributes.linkGroup.join(':') } : {}),
  };
}

function xattrRecord(attributes: Attributes): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, value] of attributes.xattrs ?? [])
    record[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return record;
}
