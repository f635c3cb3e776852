/** A bundle as it is written: beside its name until it is whole. */
import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { errnoOf, HkfsError } from '../../errors.js';
import { fsyncDirectory } from '../../fs/durable.js';
import { describeFsError } from '../../fs/errors.js';
import { failpoint } from '../../fs/failpoints.js';
import { baseName, joinPath, parentPath, toFsPath } from '../../fs/names.js';
import { loadPosix } from '../../fs/posix.js';
import { bodySize, checkBlobName } from './blob-names.js';
import type { BlobBody, TransferOptions } from './blob-store.js';
import { FIRST_NAME, firstBody, INDEX_NAME, indexBody, tail, type Section } from './bundle-format.js';
import { nameWithoutReplacing } from './directory-names.js';
import { openBody } from './file-body.js';
import { sha256Hex } from './sha256.js';
import { memberHeader, padding } from './tar-member.js';

const STEP_BYTES = 4 << 20;
/** A bundle holds names and contents of all owners. */
const MODE = 0o600;

export class BundleWriter {
  /** What was added, by name. */
  readonly sections = new Map<string, Section>();
  readonly fd: number;
  private readonly file: string;
  private readonly temporary: string;
  private position = 0;
  /** One blob after the other: a file has one end. */
  private last: Promise<unknown> = Promise.resolve();
  private isOpen = true;

  private constructor(file: string, temporary: string, fd: number) {
    this.file = file;
    this.temporary = temporary;
    this.fd = fd;
  }

  /** @throws HkfsError BUNDLE_EXISTS, NOT_FOUND, NO_PERMISSION, READ_ONLY, NO_SPACE */
  static create(file: string): BundleWriter {
    const folder = parentPath(file) || '.';
    const temporary = joinPath(folder, `.${baseName(file)}.${randomUUID()}.tmp`);
    try {
      if (fs.lstatSync(toFsPath(file), { throwIfNoEntry: false })) throw exists(file);
      const writer = new BundleWriter(file, temporary, fs.openSync(toFsPath(temporary), 'wx+', MODE));
      writer.append(memberHeader(FIRST_NAME, firstBody().length), firstBody(), padding(firstBody().length));
      return writer;
    } catch (error) {
      throw inWords(error, file);
    }
  }

  /** Bytes so far. */
  get size(): number {
    return this.position;
  }

  /** @throws HkfsError OBJECT_MISSING or OBJECT_DAMAGED for the body; then the bundle is as before */
  add(name: string, body: BlobBody, options: TransferOptions = {}): Promise<'created' | 'exists'> {
    checkBlobName(name);
    const mine = this.last.then(() => this.addNow(name, body, options));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  /** Index and end; then the file gets its name. @throws HkfsError BUNDLE_EXISTS */
  async finish(): Promise<void> {
    if (!this.isOpen) return;
    await this.last;
    try {
      this.appendIndex();
      fs.fsyncSync(this.fd);
      failpoint('bundle.written');
      if (!nameWithoutReplacing(this.temporary, this.file, loadPosix())) throw exists(this.file);
      this.isOpen = false;
      fsyncDirectory(parentPath(this.file) || '.');
    } catch (error) {
      throw inWords(error, this.file);
    }
  }

  /** After a finish only the descriptor goes; before it, all. */
  async close(): Promise<void> {
    await this.last;
    fs.closeSync(this.fd);
    if (this.isOpen) fs.rmSync(toFsPath(this.temporary), { force: true });
    this.isOpen = false;
  }

  private async addNow(
    name: string,
    body: BlobBody,
    options: TransferOptions,
  ): Promise<'created' | 'exists'> {
    options.signal?.throwIfAborted();
    if (this.sections.has(name)) return 'exists';
    if (!this.isOpen) throw new TypeError('a bundle that is finished takes no more');
    const start = this.position;
    try {
      const size = bodySize(body);
      this.append(memberHeader(name, size));
      const offset = this.position;
      const sha256 =
        body instanceof Uint8Array ? this.appendBytes(body, options) : await this.appendFile(body, options);
      this.append(padding(size));
      this.sections.set(name, { name, offset, size, sha256 });
      return 'created';
    } catch (error) {
      fs.ftruncateSync(this.fd, start);
      this.position = start;
      throw inWords(error, this.file);
    }
  }

  private appendBytes(bytes: Uint8Array, { onBytes }: TransferOptions): string {
    this.append(bytes);
    onBytes?.(bytes.length);
    return sha256Hex(bytes);
  }

  private async appendFile(body: Exclude<BlobBody, Uint8Array>, options: TransferOptions): Promise<string> {
    const source = await openBody(body);
    const hasher = createHash('sha256');
    try {
      for (let at = 0; at < body.size; at += STEP_BYTES) {
        options.signal?.throwIfAborted();
        await options.throttle?.take(Math.min(STEP_BYTES, body.size - at), options.signal);
        const bytes = await source.next(Math.min(STEP_BYTES, body.size - at));
        hasher.update(bytes);
        this.append(bytes);
        options.onBytes?.(bytes.length);
      }
      source.check();
    } finally {
      source.close();
    }
    return hasher.digest('hex');
  }

  private appendIndex(): void {
    const sections = [...this.sections.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const index = indexBody(sections);
    this.append(memberHeader(INDEX_NAME, index.length));
    const end = {
      sections: sections.length,
      indexOffset: this.position,
      indexSize: index.length,
      indexSha256: sha256Hex(index),
    };
    this.append(index, padding(index.length), tail(end));
  }

  private append(...pieces: Uint8Array[]): void {
    for (const piece of pieces)
      for (let done = 0; done < piece.length;) {
        const written = fs.writeSync(this.fd, piece, done, piece.length - done, this.position);
        done += written;
        this.position += written;
      }
  }
}

function exists(file: string): HkfsError {
  return new HkfsError('BUNDLE_EXISTS', `${file} is there already`, { hint: 'name another file' });
}

function inWords(error: unknown, file: string): unknown {
  if (errnoOf(error) !== 'ENOENT') return describeFsError(error, file);
  return new HkfsError('NOT_FOUND', `there is no folder for ${file}`, {
    hint: 'make it first',
    cause: error,
  });
}
