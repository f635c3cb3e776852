/** A remote as a stranger may make it: of whatever events, and rightly signed by a key of their own. */
import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { checkpointName, keyName, objectName, segmentName } from '../../../src/archive/remote/names.js';
import { FORMAT_TEXT } from '../../../src/archive/remote/format.js';
import { encodeEvent } from '../../../src/events/codec.js';
import { encodeCheckpoint, originOf } from '../../../src/events/checkpoint.js';
import { CompactRange } from '../../../src/events/merkle.js';
import { encodeStoredCommit, type StoredCommit } from '../../../src/events/segment.js';
import { formatVerifierKey, signerKey } from '../../../src/events/signed-note.js';
import type { HkfsEvent } from '../../../src/events/types.js';
import { hashBytes } from '../../../src/fs/hash.js';
import { BundleStore } from '../../../src/store/remote/bundle-store.js';

/** An event, or the bytes of something that is to pass for one. */
export type Crafted = HkfsEvent | Uint8Array;

export interface CommitFields {
  readonly timeMs?: number;
  readonly operation?: number;
}

export class CraftedRemote {
  readonly url: string;
  readonly id = randomUUID();
  private readonly key = signerKey(originOf(this.id), randomBytes(32));
  private readonly range = CompactRange.empty();
  private pending: StoredCommit[] = [];

  constructor(url: string) {
    this.url = url;
    this.write('hkfs-remote.json', FORMAT_TEXT);
    this.write(keyName(this.id), `${formatVerifierKey(this.key.verifier)}\n`);
  }

  get size(): number {
    return this.range.size;
  }

  /** One commit. */
  commit(events: readonly Crafted[], { timeMs = 1_700_000_000_000, operation = 1 }: CommitFields = {}): void {
    const first = this.range.size;
    const stored = events.map((event) =>
      Buffer.from(event instanceof Uint8Array ? event : encodeEvent(event)),
    );
    for (const bytes of stored) this.range.append(bytes);
    const commit = {
      ...{ format: 1 as const, first, count: stored.length, timeMs, operation },
      range: this.range.hashes,
    };
    this.pending.push({ commit, events: stored });
  }

  /** What was committed is there, with a checkpoint. */
  publish(): void {
    const first = this.pending[0]!.commit.first;
    const segment = Buffer.concat(this.pending.map(encodeStoredCommit));
    this.pending = [];
    this.write(segmentName(this.id, { first, last: this.size - 1 }), segment);
    const head = { size: this.size, root: this.range.root().toString('hex') };
    this.write(checkpointName(this.id, this.size), encodeCheckpoint(head, this.key));
  }

  /** @returns its hash */
  content(bytes: string | Buffer): string {
    const hash = hashBytes(Buffer.from(bytes)).toString('hex');
    this.write(objectName(hash), bytes);
    return hash;
  }

  /** All of it as one file. */
  async bundle(file: string): Promise<string> {
    const store = BundleStore.create(file);
    const names = fs.readdirSync(this.url, { recursive: true, withFileTypes: true });
    for (const entry of names.filter((found) => found.isFile())) {
      const path = join(entry.parentPath, entry.name);
      await store.create(path.slice(this.url.length + 1), fs.readFileSync(path));
    }
    await store.finish();
    await store.close();
    return file;
  }

  private write(name: string, bytes: string | Buffer): void {
    const path = join(this.url, name);
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, bytes);
  }
}
