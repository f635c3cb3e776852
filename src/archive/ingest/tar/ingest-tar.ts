/** A tar becomes a tree, in one pass over its bytes; what is damaged is told, what is whole is kept. */
import { errnoOf } from '../../../errors.js';
import { nameFromBytes } from '../../../events/names.js';
import { accountIds } from '../../../fs/account-ids.js';
import { joinPath } from '../../../fs/names.js';
import { DecompressionError, TrailingJunkError } from '../../../tar/decompression-error.js';
import { memberPath } from '../../../tar/member-path.js';
import type { TarEvent, TarMember, TarProblem } from '../../../tar/tar-member.js';
import { TarParser } from '../../../tar/tar-parser.js';
import type { Message } from '../../api.js';
import type { Committer } from '../../committer.js';
import type { OpenArchive } from '../../open-archive.js';
import type { Counters } from '../counters.js';
import type { IsExcluded } from '../exclude.js';
import { ContentKeeper } from './content-keeper.js';
import { LeftOut } from './left-out.js';
import { memberAttributes } from './member-attributes.js';
import { MemberBatches, type Item } from './member-batches.js';
import type { OpenedTar, TarInput } from './tar-input.js';
import type { TarTree } from './tar-tree.js';
import { MemberRefused } from './tree-words.js';

export interface TarOptions {
  readonly dryRun: boolean;
  readonly ignoreZeros: boolean;
  /** Null where nothing is left out. */
  readonly isExcluded: IsExcluded | null;
  readonly onMessage: (message: Message) => void;
  readonly signal: AbortSignal | undefined;
}

export interface TarParts {
  readonly archive: OpenArchive;
  readonly committer: Committer;
  readonly counters: Counters;
  readonly tree: TarTree;
  /** Where messages say that a member is from. */
  readonly source: string;
  /** The tree is the archive itself: its own folder is not for members. */
  readonly isRoot: boolean;
}

const CODES: Readonly<Record<TarProblem['kind'], string>> = {
  damaged: 'TAR_DAMAGED',
  truncated: 'TAR_TRUNCATED',
  more: 'TAR_HAS_MORE',
  unsupported: 'TAR_UNSUPPORTED',
  odd: 'TAR_ODD',
};

/** Names in messages are cut from here on: a tar may have some of megabytes. */
const MAX_SAID = 1000;

export class TarIngester {
  private readonly parts: TarParts;
  private readonly options: TarOptions;
  private readonly batches: MemberBatches;
  private readonly keeper: ContentKeeper;
  private readonly ids = accountIds();
  /** Whether the content that comes is wanted. */
  private isTaking = false;
  private saidAbsolute = false;
  private readonly leftOut: LeftOut;

  constructor(parts: TarParts, options: TarOptions) {
    this.parts = parts;
    this.options = options;
    this.leftOut = new LeftOut(options.onMessage);
    const { archive, committer } = parts;
    this.batches = new MemberBatches(archive, committer, options);
    this.keeper = new ContentKeeper(archive, committer, options.dryRun);
  }

  /** @returns whether every byte of the input was read, so that its hash is that of the whole */
  async ingest(input: TarInput, opened: OpenedTar): Promise<boolean> {
    const parser = new TarParser({ ignoreZeros: this.options.ignoreZeros });
    const isWhole = await this.read(input, { opened, parser });
    if (!this.options.signal?.aborted) await this.take(parser.end());
    this.batches.drop();
    this.batches.submit();
    while (await this.settleOldest());
    this.leftOut.finish(this.parts.source);
    return isWhole;
  }

  private async read(
    input: TarInput,
    { opened, parser }: { opened: OpenedTar; parser: TarParser },
  ): Promise<boolean> {
    const { counters } = this.parts;
    const before = counters.tarRead;
    try {
      for await (const chunk of opened.bytes) {
        if (this.options.signal?.aborted) return false;
        await this.take(parser.push(chunk));
        counters.tarRead = before + input.size;
      }
      await input.drain();
      return !this.options.signal?.aborted;
    } catch (error) {
      if (error instanceof DecompressionError)
        return await this.decompressionFailed(input, { error, parser });
      return this.readFailed(error);
    } finally {
      counters.tarRead = before + input.size;
    }
  }

  private async decompressionFailed(
    input: TarInput,
    { error, parser }: { error: DecompressionError; parser: TarParser },
  ): Promise<boolean> {
    try {
      await input.drain();
    } catch (readError) {
      return this.readFailed(readError);
    } finally {
      this.tellCompression(`${error.message}, within the first ${input.size} compressed bytes`, {
        isOdd: error instanceof TrailingJunkError && parser.hasEnded,
        hasEnded: parser.hasEnded,
      });
    }
    return true;
  }

  private tellCompression(what: string, { isOdd, hasEnded }: { isOdd: boolean; hasEnded: boolean }): void {
    const { counters, source } = this.parts;
    const outcome = hasEnded
      ? 'the tar itself had come to its end'
      : 'what was unpacked before is taken in, members after it are missing';
    const text = `${what}; ${outcome}`;
    if (isOdd) this.options.onMessage({ level: 'warning', code: 'TAR_ODD', path: source, text });
    else counters.fail(source, 'DECOMPRESSION_FAILED', text, text);
  }

  /** Errors of the source are told; those of the archive's own filesystem end the operation. */
  private readFailed(error: unknown): false {
    const code = errnoOf(error);
    const isOurs = typeof error === 'object' && error !== null && 'inStaging' in error;
    if (code === undefined || isOurs || !('syscall' in (error as object) || code === 'ESTALE')) throw error;
    const { counters, source } = this.parts;
    const text = `it cannot be read on: ${(error as Error).message}`;
    counters.fail(source, code === 'ESTALE' ? 'UNSTABLE' : code, text, text);
    return false;
  }

  private async take(events: readonly TarEvent[]): Promise<void> {
    for (const event of events) {
      switch (event.type) {
        case 'member':
          await this.member(event.member);
          break;
        case 'data':
          if (this.isTaking) await this.batches.write(event.bytes, event.offset);
          break;
        case 'end':
          if (this.isTaking) await this.whole();
          break;
        case 'broken':
          if (this.isTaking) this.batches.drop();
          this.isTaking = false;
          break;
        case 'problem':
          this.tell(event.problem);
      }
    }
  }

  private async member(member: TarMember): Promise<void> {
    this.isTaking = false;
    const path = memberPath(member.name);
    if ('refused' in path) return this.refuse(member, 'BAD_MEMBER_NAME', path.refused);
    if (path.isAbsolute) this.sayAbsolute(member);
    if (this.isLeftOut(member, path.parts)) return;
    if (this.batches.isBusy) await this.settleOldest();
    if (member.kind !== 'file' || member.size === 0) return this.batches.add(member, path.parts);
    this.batches.begin(member, path.parts);
    this.isTaking = true;
  }

  private async whole(): Promise<void> {
    this.isTaking = false;
    try {
      await this.batches.finish();
    } catch (error) {
      // A size that no file of the archive's filesystem can have is the member's own fault.
      if (errnoOf(error) !== 'EFBIG') throw error;
      this.batches.drop();
      this.parts.counters.fail(this.parts.source, 'EFBIG', 'a member is larger than any file can be here');
    }
  }

  private isLeftOut(member: TarMember, names: readonly string[]): boolean {
    if (this.parts.isRoot && names[0] === '.hkfs') {
      this.refuse(member, 'RESERVED_NAME', 'the name .hkfs at the root is reserved');
      return true;
    }
    const { isExcluded } = this.options;
    if (isExcluded === null) return false;
    return names.some((name, index) => {
      const isDirectory = index < names.length - 1 || member.kind === 'directory';
      return isExcluded({ name, isDirectory, below: names.slice(0, index).join('/') });
    });
  }

  private async settleOldest(): Promise<boolean> {
    const oldest = await this.batches.takeOldest();
    if (oldest === null) return false;
    await this.keeper.expect(oldest.items.flatMap(({ content }) => content?.present ?? []));
    for (const item of oldest.items) await this.settle(item);
    oldest.done();
    if (!this.options.dryRun) await this.parts.committer.maybeCommit();
    return true;
  }

  private async settle(item: Item): Promise<void> {
    try {
      await this.place(item);
    } catch (error) {
      if (!(error instanceof MemberRefused)) throw error;
      this.refuse(item.member, error.code, error.message);
    }
  }

  /** The content first: also that of a member that then finds no place is not lost sight of. */
  private async place({ member, names, content }: Item): Promise<void> {
    const { tree } = this.parts;
    const { attributes, lost } = memberAttributes(member, this.ids);
    this.leftOut.tell(lost, this.pathOf(member.name));
    const { kind, size, major, minor } = member;
    if (kind === 'link') return this.link(member, names);
    if (kind === 'directory') return tree.directory(names, attributes);
    if (kind === 'symlink' && (member.target.length === 0 || member.target.includes(0)))
      throw new MemberRefused('BAD_LINK_TARGET', 'a symlink to nothing that can be named');
    if (kind === 'symlink')
      return tree.other(names, attributes, { type: 'symlink.added', target: nameFromBytes(member.target) });
    if (kind !== 'file') {
      const device = kind === 'fifo' ? { major: 0, minor: 0 } : { major, minor };
      return tree.other(names, attributes, { type: 'special.added', kind, ...device });
    }
    if (content === null)
      return tree.file(names, attributes, { hash: null, size: 0, origin: 'empty' }, member.inode);
    const origin = await this.keeper.keep({ ...content, size, from: this.pathOf(member.name) });
    return tree.file(names, attributes, { hash: content.hash, size, origin }, member.inode);
  }

  private async link(member: TarMember, names: readonly string[]): Promise<void> {
    const target = memberPath(member.target);
    if ('refused' in target)
      throw new MemberRefused('BAD_LINK_TARGET', `of what it is a hard link to: ${target.refused}`);
    return this.parts.tree.link(names, target.parts);
  }

  private refuse(member: TarMember, code: string, text: string): void {
    this.parts.counters.fail(this.pathOf(member.name), code, `${text} (at byte ${member.at})`);
  }

  private tell({ kind, at, text, name }: TarProblem): void {
    const path = name === undefined ? this.parts.source : this.pathOf(name);
    const said = `at byte ${at}: ${text}`;
    if (kind === 'odd') this.options.onMessage({ level: 'warning', code: CODES[kind], path, text: said });
    else this.parts.counters.fail(path, CODES[kind], said, name === undefined ? said : undefined);
  }

  private sayAbsolute(member: TarMember): void {
    if (this.saidAbsolute) return;
    this.saidAbsolute = true;
    this.options.onMessage({
      level: 'note',
      code: 'ABSOLUTE_NAMES',
      path: this.pathOf(member.name),
      text: 'absolute names are taken from the root of the tree',
    });
  }

  private pathOf(name: Uint8Array): string {
    const said = nameFromBytes(name).replace(/^\/+/, '');
    return joinPath(this.parts.source, said.length > MAX_SAID ? `${said.slice(0, MAX_SAID)}…` : said);
  }
}
