/**
 * Which contents were found in the archive, remembered with the head of the log that said so: what the
 * archive has follows from its log alone, so while the head is the same nothing has to be asked again.
 */
import type { Hash } from '../../events/types.js';
import type { Layout } from '../layout.js';
import type { ClosableReader } from '../remote-reader.js';
import { readChecked, writeChecked } from './checked-file.js';

const HASH_BYTES = 32;
/** 64 MiB. */
const MAX_HASHES = 2 << 20;

export class Verdicts {
  /** The moment of the head: what is asked is asked as of it, whatever is appended meanwhile. */
  readonly at: string;
  private readonly layout: Layout;
  private readonly root: string;
  private readonly found = new Set<Hash>();
  private isChanged = false;

  private constructor(layout: Layout, head: { size: number; root: string }) {
    this.layout = layout;
    this.root = head.root;
    this.at = `@${head.size - 1}`;
    const hex = Buffer.from(readChecked(this.path)).toString('hex');
    if (hex.slice(0, HASH_BYTES * 2) !== this.root) return;
    for (let at = HASH_BYTES * 2; at < hex.length; at += HASH_BYTES * 2)
      this.found.add(hex.slice(at, at + HASH_BYTES * 2));
  }

  /** Null while a commit is under way in the process that answers: its views are behind its log. */
  static async load(layout: Layout, reader: ClosableReader): Promise<Verdicts | null> {
    const { position } = await reader.resolveMoment(undefined);
    const head = await reader.head();
    return head.size === position + 1 ? new Verdicts(layout, head) : null;
  }

  has(hash: Hash): boolean {
    return this.found.has(hash);
  }

  add(hash: Hash): void {
    this.found.add(hash);
    this.isChanged = true;
  }

  save(): void {
    if (this.isChanged && this.found.size <= MAX_HASHES)
      writeChecked(this.layout, this.path, Buffer.from([this.root, ...this.found].join(''), 'hex'));
  }

  private get path(): string {
    return `${this.layout.outside}/found`;
  }
}
