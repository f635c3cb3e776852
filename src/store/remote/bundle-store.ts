/** A bundle as a remote: read at random once it is made, and written by adding to its end. */
import * as fs from 'node:fs';
import { HkfsError } from '../../errors.js';
import { toFsPath } from '../../fs/names.js';
import { checkBlobName } from './blob-names.js';
import type { BlobBody, BlobInfo, BlobStore, ReadRange, TransferOptions } from './blob-store.js';
import { MAX_INDEX, MAX_READ, refuseLonger } from './bounds.js';
import { beginsAsBundle, damaged, parseIndex, parseTail, TAIL_BYTES, type Section } from './bundle-format.js';
import { BundleWriter } from './bundle-writer.js';
import { directoryError } from './directory-errors.js';
import { BLOCK } from './tar-member.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const STEP_BYTES = 4 << 20;

export class BundleStore implements BlobStore {
  readonly kind = 'bundle';
  readonly concurrency = 4;
  readonly url: string;
  private readonly fd: number;
  private readonly sections: ReadonlyMap<string, Section>;
  private readonly writer: BundleWriter | null;

  private constructor(
    url: string,
    parts: { fd: number; sections: ReadonlyMap<string, Section>; writer: BundleWriter | null },
  ) {
    this.url = url;
    this.fd = parts.fd;
    this.sections = parts.sections;
    this.writer = parts.writer;
  }

  /** @throws HkfsError REMOTE_UNREACHABLE, REMOTE_FOREIGN, REMOTE_DAMAGED, REMOTE_NEWER, NO_PERMISSION */
  static open(file: string, url = file): BundleStore {
    let fd: number | undefined;
    try {
      fd = fs.openSync(toFsPath(file), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const sections = new Map(readIndex(fd, file).map((section) => [section.name, section]));
      return new BundleStore(url, { fd, sections, writer: null });
    } catch (error) {
      if (fd !== undefined) fs.closeSync(fd);
      throw directoryError(error, file);
    }
  }

  /** A new bundle: nobody else sees it before {@link finish}. @throws as BundleWriter.create */
  static create(file: string): BundleStore {
    const writer = BundleWriter.create(file);
    return new BundleStore(file, { fd: writer.fd, sections: writer.sections, writer });
  }

  /** @throws HkfsError READ_ONLY for a bundle that was opened */
  async create(name: string, body: BlobBody, options: TransferOptions = {}): Promise<'created' | 'exists'> {
    checkBlobName(name);
    if (this.writer) return this.writer.add(name, body, options);
    if (this.sections.has(name)) return 'exists';
    throw readOnly(this.url);
  }

  /** A bundle is made durable as a whole, by {@link finish}. */
  async flush(): Promise<void> {}

  /** Gives a new bundle its index and its name. */
  async finish(): Promise<void> {
    await this.writer?.finish();
  }

  async read(name: string, range: ReadRange = {}): Promise<Buffer | undefined> {
    checkBlobName(name);
    const section = this.sections.get(name);
    if (section === undefined) return undefined;
    const offset = Math.min(range.offset ?? 0, section.size);
    const left = section.size - offset;
    if (range.length === undefined) refuseLonger(name, left, range.max ?? MAX_READ);
    return this.readAt(section.offset + offset, Math.min(range.length ?? left, left));
  }

  async download(name: string, file: string, options: TransferOptions = {}): Promise<boolean> {
    checkBlobName(name);
    const section = this.sections.get(name);
    if (section === undefined) return false;
    refuseLonger(name, section.size, options.max ?? Infinity);
    const target = fs.openSync(toFsPath(file), 'wx', 0o644);
    try {
      for (let at = 0; at < section.size; at += STEP_BYTES) {
        options.signal?.throwIfAborted();
        const bytes = this.readAt(section.offset + at, Math.min(STEP_BYTES, section.size - at));
        fs.writeFileSync(target, bytes);
        options.onBytes?.(bytes.length);
      }
    } finally {
      fs.closeSync(target);
    }
    return true;
  }

  async stat(name: string): Promise<BlobInfo | undefined> {
    checkBlobName(name);
    const section = this.sections.get(name);
    return section && { name, size: section.size };
  }

  async *list(prefix: string, after = ''): AsyncGenerator<BlobInfo> {
    const names = [...this.sections.keys()].filter((name) => name.startsWith(prefix) && name > after);
    for (const name of names.sort()) yield { name, size: this.sections.get(name)!.size };
  }

  /** @throws HkfsError READ_ONLY */
  async remove(name: string): Promise<void> {
    checkBlobName(name);
    if (this.sections.has(name)) throw readOnly(this.url);
  }

  async free(): Promise<number | undefined> {
    return undefined;
  }

  /** A new bundle that is not finished goes. */
  async close(): Promise<void> {
    if (this.writer) await this.writer.close();
    else fs.closeSync(this.fd);
  }

  private readAt(offset: number, length: number): Buffer {
    const bytes = readExactly(this.fd, offset, length);
    if (bytes === null) throw damaged(this.url, 'it ends before its contents do');
    return bytes;
  }
}

function readIndex(fd: number, file: string): Section[] {
  const { size } = fs.fstatSync(fd);
  const start = readExactly(fd, 0, Math.min(size, BLOCK))!;
  if (!beginsAsBundle(start))
    throw new HkfsError('REMOTE_FOREIGN', `${file} is no bundle of hkfs`, {
      hint: 'bundles are made with `hkfs bundle create FILE`',
    });
  const last = Math.max(0, size - TAIL_BYTES);
  const end = parseTail(readExactly(fd, last, size - last)!, { file, size });
  refuseLonger(`the index of the bundle ${file}`, end.indexSize, MAX_INDEX);
  const index = readExactly(fd, end.indexOffset, end.indexSize);
  if (index === null) throw damaged(file, 'its index is not there');
  return parseIndex(index, end, file);
}

/** Null where the file ends before. */
function readExactly(fd: number, offset: number, length: number): Buffer | null {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const count = fs.readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) return null;
    done += count;
  }
  return bytes;
}

function readOnly(url: string): HkfsError {
  return new HkfsError('READ_ONLY', `${url} is a bundle, which does not change once it is made`, {
    hint: 'make another with `hkfs bundle create FILE --since HEAD`',
  });
}
