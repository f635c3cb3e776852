import type { ArchiveReader } from '../archive/api.js';
import type { Archive } from '../archive/archive.js';
import { closingAfter, EXIT, HkfsError } from '../errors.js';
import { workingDirectory } from '../fs/absolute-path.js';
import { pathInArchive } from './archive-path.js';
import { jsonFlag } from './flags.js';
import { type Interruption, unlessStopped } from './interrupt.js';
import { Command, type Config, type Input, type ParserOutput } from './oclif.js';
import { refuseEmpty } from './refuse-empty.js';
import {
  initWhereMissing,
  openForOutside,
  openForReading,
  openForWriting,
  type OutsideQueries,
  type WhichArchive,
} from './open-archive.js';
import { openMessage } from './open-words.js';
import { isBrokenPipe, writeAll, writeBytes, writeChunk } from './output.js';
import { chooseStyle, createProgressView, type ProgressStyle, type ProgressView } from './progress.js';
import { jsonRow, mapped, writeJsonRows, writeNullPaths } from './rows.js';
import { hasStatus, tell } from './settle.js';
import { type Column, tableLines } from './table.js';
import { visibleLines, visibleText } from './visible-name.js';

/** What the parser makes of arguments or of flags, by name. */
type Values = Record<string, unknown>;

/** How a listing shows to people: columns, or one line a row. */
export type Human<T> = readonly Column<T>[] | ((row: T) => string);

export interface ListingFlags {
  readonly json: boolean;
  readonly null?: boolean | undefined;
}

export interface Work {
  readonly signal: AbortSignal;
  readonly view: ProgressView;
  readonly style: ProgressStyle;
}

/** What the process was told: until a launch says so, nothing. */
const NEVER: Interruption = { signal: new AbortController().signal, stop: () => {} };

/** What all commands share: opening, closing, rows or tables, progress, errors and exit codes. */
export abstract class BaseCommand extends Command {
  static override baseFlags = jsonFlag;

  private interruption = NEVER;

  /** Runs the command without oclif's loading of plugins, which no command here needs. */
  static launch(
    this: new (argv: string[], config: Config) => BaseCommand,
    argv: string[],
    config: Config,
    interruption: Interruption = NEVER,
  ) {
    const command = new this(argv, config);
    command.interruption = interruption;
    return command._run();
  }

  abstract override run(): Promise<void>;

  /** @throws HkfsError USAGE where a word is empty, before anything else is done */
  protected override async parse<F extends Values, B extends Values, A extends Values>(
    options?: Input<F, B, A>,
    argv?: string[],
  ): Promise<ParserOutput<F, B, A>> {
    const parsed = await super.parse(options, argv);
    refuseEmpty(parsed.raw);
    return parsed;
  }

  protected override catch(error: unknown): Promise<void> {
    tell(error, this.argv);
    return Promise.resolve();
  }

  /** Opens for a query, says which moment `at` means, and closes whatever happens. */
  protected async read(
    flags: WhichArchive & { at?: string | undefined },
    use: (reader: ArchiveReader) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.interruption;
    const reader = await openForReading({ ...flags, ...this.words, signal }, ({ code, text }) =>
      this.say(`hkfs: warning: ${text} [${code}]`),
    );
    const answer = async (): Promise<void> => {
      if (flags.at !== undefined) await this.sayMoment(reader, flags.at);
      await use(reader);
    };
    await closingAfter(
      () => this.unlessStopped(answer),
      () => reader.close(),
    );
  }

  /** Of what leaves nothing half done: whoever waits for it, for a pipe too, is told of a stop at once. */
  protected unlessStopped<T>(act: () => Promise<T>): Promise<T> {
    return unlessStopped(this.interruption.signal, act);
  }

  /** For what is outside and may take long to read: with progress, and a first Ctrl-C that stops cleanly. */
  protected async readOutside<T>(
    flags: WhichArchive & { progress: string },
    use: (queries: OutsideQueries, work: Work) => Promise<T>,
  ): Promise<T> {
    const work = this.startWork(flags.progress);
    try {
      return await use(await openForOutside({ ...flags, ...this.words, signal: work.signal }), work);
    } finally {
      work.view.stop();
    }
  }

  /** Opens for a change, with progress and a first Ctrl-C that stops cleanly. */
  protected async write<T>(
    flags: WhichArchive & { progress: string; init?: boolean },
    use: (archive: Archive, work: Work) => Promise<T>,
  ): Promise<T> {
    return this.work(flags.progress, async (work) => {
      const made = flags.init === true ? await initWhereMissing(flags) : null;
      if (made?.openToOthers) work.view.message(openMessage(made.archive));
      const archive = await openForWriting(
        { ...flags, ...this.words, signal: work.signal },
        work.view.message,
      );
      return closingAfter(
        () => this.toldWhole(work, (noting) => use(archive, noting)),
        () => archive.close(),
      );
    });
  }

  /** Exit code 3 where a message said that a part was not done, and nothing worse is told. */
  private async toldWhole<T>(work: Work, use: (work: Work) => Promise<T>): Promise<T> {
    let isWhole = true;
    const message: Work['view']['message'] = (told) => {
      if (told.undone) isWhole = false;
      work.view.message(told);
    };
    const result = await use({ ...work, view: { ...work.view, message } });
    if (!isWhole && !hasStatus()) process.exitCode = EXIT.partial;
    return result;
  }

  /** With progress, and a first Ctrl-C that stops cleanly. */
  protected async work<T>(progress: string, use: (work: Work) => Promise<T>): Promise<T> {
    const work = this.startWork(progress);
    try {
      return await use(work);
    } finally {
      work.view.stop();
    }
  }

  protected async sayMoment(reader: Pick<ArchiveReader, 'resolveMoment'>, at: string): Promise<void> {
    const { position, time } = await reader.resolveMoment(at);
    this.say(`hkfs: as of @${position}, ${time}`);
  }

  /** As a person types the command, without its arguments. */
  private get words(): { command: string } {
    return { command: `hkfs ${(this.ctor.id ?? '').replaceAll(':', ' ')}`.trim() };
  }

  private startWork(progress: string): Work {
    const { stderr } = process;
    const style = chooseStyle(progress, stderr.isTTY);
    const view = createProgressView(style, {
      write: (text) => stderr.write(text),
      now: () => performance.now(),
      columns: () => stderr.columns || 80,
    });
    return { signal: this.interruption.signal, view, style };
  }

  /** Writes rows as JSON, as NUL-ended paths, or for people; gives their count. */
  protected async list<T extends object>(
    rows: AsyncIterable<T>,
    flags: ListingFlags,
    human: Human<T>,
  ): Promise<number> {
    const { stdout } = process;
    if (flags.json) return writeJsonRows(stdout, rows);
    if (flags.null === true) return writeNullPaths(stdout, mapped(rows, pathOf));
    if (typeof human === 'function')
      return writeAll(
        stdout,
        mapped(rows, (row) => visibleLines(`${human(row)}\n`)),
      );
    const lines = tableLines(rows, human, { headers: false, colour: stdout.isTTY });
    return writeAll(stdout, mapped(lines, visibleLines));
  }

  /** Writes lines for people as they come. */
  protected async lines(lines: AsyncIterable<string>): Promise<void> {
    await writeAll(
      process.stdout,
      mapped(lines, (line) => visibleLines(`${line}\n`)),
    );
  }

  /** Writes the one result: an object under --json, else text. What was done has its exit status, read or not. */
  protected async print(result: object, flags: { json: boolean }, human: () => string): Promise<void> {
    try {
      await writeChunk(process.stdout, flags.json ? jsonRow(result) : visibleLines(`${human()}\n`));
    } catch (error) {
      if (!isBrokenPipe(error)) throw error;
    }
  }

  protected pipe(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return writeBytes(process.stdout, chunks);
  }

  /** @throws HkfsError USAGE where stdout would show bytes to a person */
  protected refuseTerminal(): void {
    if (!process.stdout.isTTY) return;
    throw new HkfsError('USAGE', 'a tar is nothing for a terminal', {
      hint: 'name a file with -o, or use a pipe',
    });
  }

  /** A line for people, beside the result. */
  protected say(line: string): void {
    process.stderr.write(`${visibleText(line)}\n`);
  }

  protected inside(reader: { readonly root: string }, path: string | undefined): string {
    return pathInArchive(path ?? '', { root: reader.root, cwd: () => workingDirectory() });
  }

  /** A path of which a slash at its end says where it lands. */
  protected withSlash(reader: { readonly root: string }, path: string): string {
    const inside = this.inside(reader, path).replace(/\/+$/, '');
    return path.endsWith('/') ? `${inside}/` : inside;
  }

  /** A target that may also be a hash or `ino:N`: only what is a path of the real filesystem changes. */
  protected target(reader: { readonly root: string }, target: string): string {
    const inside = this.inside(reader, target);
    // A leading slash tells a path from a hash: it stays.
    return target.startsWith('/') ? `/${inside}` : inside;
  }
}

function pathOf(row: object): { readonly path: string } {
  if ('path' in row && typeof row.path === 'string') return { path: row.path };
  throw new TypeError('--null on rows without a path');
}
