/** Contents as of one moment: which names, inodes and verifications an object has. */
import { HkfsError } from '../errors.js';
import type { Level } from '../events/level.js';
import type { Hash, Position } from '../events/types.js';
import * as keys from './keys.js';
import type { Namespace } from './namespace.js';
import { readRows } from './views.js';

const MAX_UINT64 = (1n << 64n) - 1n;

export interface StoredInode extends keys.InodeId {
  /** The position of the event that says so. */
  readonly position: Position;
}

export interface StoredObject {
  readonly hash: Hash;
  readonly size: number;
  /** Oldest first; empty when the object was removed. */
  readonly inodes: readonly StoredInode[];
  /** The position of the first event that stored it. */
  readonly firstStored: Position;
}

export class Contents {
  private readonly level: Level;
  readonly at: Position;
  /** What older events say of inodes is of other inodes: the archive was copied since, say. */
  readonly since: Position;

  constructor(level: Level, at: Position, since: Position = 0) {
    this.level = level;
    this.at = at;
    this.since = since;
  }

  async object(hash: Hash): Promise<StoredObject | null> {
    for await (const object of this.objects(hash)) return object;
    return null;
  }

  /** All objects in order of their hashes, or those whose hash begins with these digits. */
  async *objects(prefix = ''): AsyncGenerator<StoredObject> {
    let current: { hash: Buffer; rows: { key: Buffer; value: Buffer }[] } | null = null;
    for await (const rows of readRows(this.level, hexRange(keys.PREFIX.object, prefix)))
      for (const { key, value } of rows) {
        const hash = key.subarray(1, 33);
        if (current === null || !current.hash.equals(hash)) {
          const object = current && this.toObject(current);
          if (object) yield object;
          current = { hash, rows: [] };
        }
        current.rows.push({ key, value });
      }
    const object = current && this.toObject(current);
    if (object) yield object;
  }

  /** The one object whose hash begins with these digits, null when there is none. */
  async resolvePrefix(prefix: string): Promise<Hash | null> {
    let found: Hash | null = null;
    for await (const { hash } of this.objects(prefix)) {
      if (found !== null)
        throw new HkfsError('AMBIGUOUS_PREFIX', `more than one hash begins with ${prefix}`, {
          hint: `give more digits: ${found.slice(0, 16)}… and ${hash.slice(0, 16)}… both match`,
        });
      found = hash;
    }
    return found;
  }

  /** A hint of what an inode holds; that it does is known of bytes that were read. */
  async hashOfInode(inode: keys.InodeId): Promise<Hash | null> {
    const newest = await this.ofInode(inode);
    return newest === null || newest.value.length === 0 ? null : newest.value.toString('hex');
  }

  /** The event with which the inode left its object; null where it is one's, or never was. */
  async leftAt(inode: keys.InodeId): Promise<Position | null> {
    const newest = await this.ofInode(inode);
    return newest === null || newest.value.length > 0 ? null : newest.position;
  }

  private async ofInode(inode: keys.InodeId): Promise<{ position: Position; value: Buffer } | null> {
    const range = { gte: keys.inodeKey(inode, this.since), lt: keys.inodeKey(inode, this.at + 1) };
    if (this.since > this.at) return null;
    for await (const [key, value] of this.level.iterator({ ...range, reverse: true, limit: 1 }))
      return { position: keys.readPosition(key, key.length - 8), value };
    return null;
  }

  /** Those of an object's inodes that the log speaks of as they are here. */
  inodesHere({ inodes }: StoredObject): readonly StoredInode[] {
    return inodes.filter(({ position }) => position >= this.since);
  }

  /** Hashes of inodes that have this number on any device: one seek a device. */
  async hashesOfInodeNumber(inode: bigint): Promise<Hash[]> {
    const hashes = new Set<Hash>();
    if (inode > MAX_UINT64) return [];
    let from = keys.inodeKey({ device: 0n, inode: 0n }, 0);
    for (;;) {
      const lt = keys.prefixRange(Buffer.from([keys.PREFIX.inode])).lt;
      const [next] = await this.level.keys({ gte: from, lt, limit: 1 }).all();
      if (next === undefined) return [...hashes];
      const { device } = keys.parseInodeKey(next).inode;
      const hash = await this.hashOfInode({ device, inode });
      if (hash !== null) hashes.add(hash);
      if (device === MAX_UINT64) return [...hashes];
      from = keys.inodeKey({ device: device + 1n, inode: 0n }, 0);
    }
  }

  /** Every place where the content was ever named up to the moment, each once, first naming first. */
  async *postings(hash: Hash): AsyncGenerator<{ parent: number; name: string; position: Position }> {
    let last: Buffer | null = null;
    for await (const rows of readRows(this.level, hexRange(keys.PREFIX.posting, hash)))
      for (const { key } of rows) {
        const { place, position } = keys.parsePostingKey(key);
        const placeBytes = key.subarray(33, key.length - 8);
        if (position > this.at || last?.equals(placeBytes)) continue;
        last = placeBytes;
        yield { ...place, position };
      }
  }

  /** Paths that name the content at the moment. */
  async *livePaths(hash: Hash, namespace: Namespace): AsyncGenerator<string> {
    for await (const place of this.postings(hash)) {
      const path = await livePath(place, hash, namespace);
      if (path !== null) yield path;
    }
  }

  async lastVerified(hash: Hash): Promise<number | null> {
    const newest = await this.newest(keys.PREFIX.verified, hash);
    return newest === null ? null : keys.readPosition(newest.value, 0);
  }

  /** The event that last found the bytes right, by reading or storing them; null for no object. */
  async lastProven(hash: Hash): Promise<Position | null> {
    const verified = await this.newest(keys.PREFIX.verified, hash);
    const inodes = (await this.object(hash))?.inodes ?? [];
    const positions = [...inodes, ...(verified ? [verified] : [])].map(({ position }) => position);
    return positions.length === 0 ? null : Math.max(...positions);
  }

  /** The event that removed the last inode of an object; null while it has one, or never had. */
  async removedAt(hash: Hash): Promise<Position | null> {
    const object = await this.object(hash);
    if (object === null || object.inodes.length > 0) return null;
    let removed: Position | null = null;
    for await (const rows of readRows(this.level, hexRange(keys.PREFIX.object, hash)))
      for (const { key, value } of rows) {
        const { position } = keys.parseObjectKey(key);
        if (value.length === 0 && position <= this.at) removed = Math.max(removed ?? 0, position);
      }
    return removed;
  }

  /** What the last check found wrong, or null when nothing, or healed since. */
  async finding(hash: Hash): Promise<string | null> {
    const newest = await this.newest(keys.PREFIX.finding, hash);
    return newest === null || newest.value.length === 0 ? null : newest.value.toString();
  }

  /** As `finding`, with the position of the event that told it. */
  async told(hash: Hash): Promise<{ what: string; position: Position } | null> {
    const bytes = Buffer.from(hash, 'hex');
    const gte = keys.hashPositionKey(keys.PREFIX.finding, bytes, 0);
    const lt = keys.hashPositionKey(keys.PREFIX.finding, bytes, this.at + 1);
    for await (const [key, value] of this.level.iterator({ gte, lt, reverse: true, limit: 1 }))
      return value.length === 0 ? null : { what: value.toString(), position: keys.readPosition(key, 33) };
    return null;
  }

  /** Inodes that left the object in a span of the log, its end in it. */
  async inodesGone(hash: Hash, span: { from: Position; to: Position }): Promise<keys.InodeId[]> {
    const gone: keys.InodeId[] = [];
    for await (const rows of readRows(this.level, hexRange(keys.PREFIX.object, hash)))
      for (const { key, value } of rows) {
        const { inode, position } = keys.parseObjectKey(key);
        if (value.length === 0 && position > span.from && position <= span.to) gone.push(inode);
      }
    return gone;
  }

  /** When the objects whose hash begins with these digits were last verified, milliseconds since 1970. */
  async verifiedTimes(
    prefix: string,
    timeOf: (position: Position, timeMs: number) => number,
  ): Promise<Map<Hash, number>> {
    const times = new Map<Hash, number>();
    for await (const { hash, value, position } of this.stamped(keys.PREFIX.verified, prefix))
      times.set(hash, timeOf(position, keys.readPosition(value, 0)));
    return times;
  }

  /** What is known to be wrong with the objects whose hash begins with these digits. */
  async findings(prefix: string): Promise<Map<Hash, string>> {
    const findings = new Map<Hash, string>();
    for await (const { hash, value } of this.stamped(keys.PREFIX.finding, prefix))
      if (value.length === 0) findings.delete(hash);
      else findings.set(hash, value.toString());
    return findings;
  }

  private async *stamped(
    prefix: number,
    digits: string,
  ): AsyncGenerator<{ hash: Hash; value: Buffer; position: Position }> {
    for await (const rows of readRows(this.level, hexRange(prefix, digits)))
      for (const { key, value } of rows) {
        const position = keys.readPosition(key, 33);
        if (position <= this.at) yield { hash: key.toString('hex', 1, 33), value, position };
      }
  }

  private async newest(prefix: number, hash: Hash): Promise<{ position: Position; value: Buffer } | null> {
    const bytes = Buffer.from(hash, 'hex');
    const gte = keys.hashPositionKey(prefix, bytes, 0);
    const lt = keys.hashPositionKey(prefix, bytes, this.at + 1);
    for await (const [key, value] of this.level.iterator({ gte, lt, reverse: true, limit: 1 }))
      return { position: keys.readPosition(key, 33), value };
    return null;
  }

  /** Nearly every object: stored once, never moved, no twin. */
  private onlyInode({ key, value }: { key: Buffer; value: Buffer }): StoredObject | null {
    const { inode, position } = keys.parseObjectKey(key);
    if (position > this.at) return null;
    const hash = key.toString('hex', 1, 33);
    return {
      hash,
      size: keys.readPosition(value, 0),
      inodes: [{ ...inode, position }],
      firstStored: position,
    };
  }

  private toObject(group: { hash: Buffer; rows: { key: Buffer; value: Buffer }[] }): StoredObject | null {
    const [first] = group.rows;
    if (group.rows.length === 1 && first!.value.length > 0) return this.onlyInode(first!);
    const inodes = new Map<string, StoredInode>();
    let size = 0;
    let firstStored = Number.MAX_SAFE_INTEGER;
    for (const { key, value } of group.rows) {
      const { inode, position } = keys.parseObjectKey(key);
      if (position > this.at) continue;
      const id = `${inode.device}:${inode.inode}`;
      if (value.length === 0) inodes.delete(id);
      else {
        inodes.set(id, { ...inode, position });
        size = keys.readPosition(value, 0);
      }
      firstStored = Math.min(firstStored, position);
    }
    if (firstStored === Number.MAX_SAFE_INTEGER) return null;
    const sorted = [...inodes.values()].sort((a, b) => a.position - b.position);
    return { hash: group.hash.toString('hex'), size, inodes: sorted, firstStored };
  }
}

/** The path of a posting's place when it still names the content at the namespace's moment. */
export async function livePath(
  place: { parent: number; name: string },
  hash: Hash,
  namespace: Namespace,
): Promise<string | null> {
  const entry = await namespace.entryAt(place);
  if (entry?.event.type !== 'file.ingested' || entry.event.hash !== hash) return null;
  return namespace.pathOfPlace(place);
}

/** The range of a row kind whose keys go on with a hash that begins with these digits, odd or even. */
function hexRange(prefix: number, digits: string): keys.KeyRange {
  const whole = digits.length - (digits.length % 2);
  const head = Buffer.concat([Buffer.from([prefix]), Buffer.from(digits.slice(0, whole), 'hex')]);
  if (whole === digits.length) return keys.prefixRange(head);
  const nibble = Number.parseInt(digits.at(-1)!, 16);
  const gte = Buffer.concat([head, Buffer.from([nibble << 4])]);
  if (nibble < 15) return { gte, lt: Buffer.concat([head, Buffer.from([(nibble + 1) << 4])]) };
  return { gte, lt: keys.prefixRange(head).lt };
}
