/** Each type's fields in their stored order. The twin of event-readers.ts: change both together. */
import { nameToBytes } from './names.js';
import type { HkfsEvent, PrunedEntry } from './types.js';
import { SCHEMA_VERSION, type StoredFields } from './upcast.js';
import { attributes, counts, hashBytes, natural, source, text, unsigned } from './write-fields.js';

/** The array that is stored; one case per type, so that the compiler finds a forgotten one. */
export function fieldsOf(event: HkfsEvent): StoredFields {
  const { type } = event;
  const v = SCHEMA_VERSION;
  switch (type) {
    case 'archive.created':
      return [v, type, text(event.archiveId), event.hashAlgorithm];
    case 'operation.started': {
      const { operation, command, args, user, host, sources } = event;
      return [
        v,
        type,
        natural(operation),
        text(command),
        args.map(text),
        text(user),
        text(host),
        sources.map(text),
        ...clock(event),
      ];
    }
    case 'operation.completed':
      return [v, type, natural(event.operation), counts(event.counts), ...clock(event)];
    case 'operation.failed':
      return [v, type, natural(event.operation), text(event.reason), counts(event.counts), ...clock(event)];
    case 'directory.added':
      return [v, type, natural(event.parent), nameToBytes(event.name), attributes(event.attributes)];
    case 'file.ingested': {
      const { parent, name, hash, size } = event;
      const content = hash === null ? null : hashBytes(hash);
      const attrs = attributes(event.attributes);
      return [
        v,
        type,
        natural(parent),
        nameToBytes(name),
        content,
        natural(size),
        attrs,
        source(event.source),
      ];
    }
    case 'symlink.added': {
      const { parent, name, target } = event;
      return [v, type, natural(parent), nameToBytes(name), nameToBytes(target), attributes(event.attributes)];
    }
    case 'special.added': {
      const { parent, name, kind, major, minor } = event;
      const device = [natural(major), natural(minor)];
      return [v, type, natural(parent), nameToBytes(name), kind, ...device, attributes(event.attributes)];
    }
    case 'attributes.changed': {
      const { parent, name } = event;
      return [
        v,
        type,
        natural(parent),
        nameToBytes(name),
        attributes(event.attributes),
        source(event.source),
      ];
    }
    case 'path.renamed': {
      const { from, to } = event;
      return [
        v,
        type,
        natural(from.parent),
        nameToBytes(from.name),
        natural(to.parent),
        nameToBytes(to.name),
      ];
    }
    case 'path.removed':
      return [v, type, natural(event.parent), nameToBytes(event.name)];
    case 'path.restored':
      return [v, type, natural(event.parent), nameToBytes(event.name), natural(event.at)];
    case 'paths.pruned':
      return [v, type, event.entries.map(prunedEntry)];
    case 'object.stored': {
      const { hash, size, device, inode } = event;
      return [v, type, hashBytes(hash), natural(size), unsigned(device), unsigned(inode)];
    }
    case 'object.removed': {
      const { hash, size, device, inode, lastPath } = event;
      const object = [hashBytes(hash), natural(size), unsigned(device), unsigned(inode)];
      const last = lastPath === undefined ? [] : [lastPath === null ? null : text(lastPath)];
      return [v, type, ...object, ...last];
    }
    case 'object.relocated': {
      const { hash, size, from, to } = event;
      const inodes = [from.device, from.inode, to.device, to.inode].map(unsigned);
      return [v, type, hashBytes(hash), natural(size), ...inodes];
    }
    case 'object.damaged':
      return [v, type, hashBytes(event.hash), event.finding];
    case 'object.healed':
      return [v, type, hashBytes(event.hash), text(event.from)];
    case 'objects.verified':
      return [v, type, event.hashes.map(hashBytes)];
    case 'tag.added':
      return [v, type, text(event.tag), natural(event.position)];
    case 'tar.ingested': {
      const { directory, name, hash, size } = event;
      return [v, type, natural(directory), nameToBytes(name), hashBytes(hash), natural(size)];
    }
    case 'remote.added':
      return [v, type, text(event.name), text(event.url), event.kind];
    case 'remote.removed':
      return [v, type, text(event.name)];
    case 'backup.completed': {
      const { remote, size, root, objects, bytes } = event;
      return [v, type, text(remote), natural(size), hashBytes(root), natural(objects), natural(bytes)];
    }
    case 'copies.verified': {
      const { remote, quick, objects, bytes, size, before } = event;
      const lists = [event.damaged, event.missing, event.healed].map((hashes) => hashes.map(hashBytes));
      const range = [event.after, event.upTo].map((hash) => hash && hashBytes(hash));
      const counts = [natural(objects), natural(bytes)];
      return [v, type, text(remote), quick, ...counts, ...lists, natural(size), natural(before), ...range];
    }
    default:
      return neverStored(type);
  }
}

/** A field of its own only where the log was ahead of the clock: as a rule the commit has its time. */
function clock({ clockMs }: { readonly clockMs?: number }): number[] {
  return clockMs === undefined ? [] : [natural(clockMs)];
}

/** `[parent, name, hash]`, then the place of what stays where something does. */
function prunedEntry({ parent, name, hash, kept }: PrunedEntry): unknown[] {
  const gone = [natural(parent), nameToBytes(name), hash === null ? null : hashBytes(hash)];
  return kept === null ? gone : [...gone, natural(kept.parent), nameToBytes(kept.name)];
}

function neverStored(type: never): never {
  throw new TypeError(`no such event: ${String(type)}`);
}
