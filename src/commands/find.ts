import type { ArchiveReader, EntryRow, FindQuery } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { ACROSS_COLUMNS, ENTRY_COLUMNS } from '../cli/entry-table.js';
import { archiveFlags, atFlag, nullFlag, progressFlag, remoteFlags } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { parseSizeRange } from '../cli/parse-values.js';
import { visibleName } from '../cli/visible-name.js';
import { exitCodeAcross } from '../cli/exit-code.js';
import { openForAsking, type WhichArchive } from '../cli/open-archive.js';
import { EXIT } from '../errors.js';

const KINDS = ['file', 'directory', 'symlink', 'fifo', 'socket', 'chardev', 'blockdev'] as const;

export default class Find extends BaseCommand {
  static override summary = 'Find entries by content, name, size or kind.';
  static override description = `Lists the entries at or below PATH for which every given condition holds. By content the answer comes from an index and not from a search: --same-as hashes a file anywhere and finds its names in the archive; of a tar it also finds the tree that the tar was ingested as, and says by which operation.

--size takes +N for at least, -N for at most and N for exactly that many bytes, with k, M, G or T for binary units.

Exit code 1 when --same-as or --hash finds nothing: the content is not in the archive.

With --remote NAME all archives that back up to that remote are asked: the present one as it is here, the others as their logs are there. Their catalogues are cached below .hkfs/remotes and follow by what is new, each checked against its signed checkpoint and against what was seen before. Where the remote cannot be reached, and with --offline, what was seen before answers, and its age is told. PATH is then a path in each of the archives.

An archive of the remote that was rolled back, forked or damaged is told with its id; what was seen of it before still answers, and the exit code is 4. One that cannot be read, such as one of a newer hkfs, is left out: exit code 3.

--json prints rows as those of ls; the row of a tree that a tar became also has ingestedBy, the operation. With --remote also archive (its id) and host (where its newest operation ran).`;
  static override examples = [
    {
      description: 'Is this file in the archive, and where?',
      command: '<%= config.bin %> find --same-as ~/Downloads/scan.pdf',
    },
    { description: 'All names of a content', command: '<%= config.bin %> find --hash 9f86d081' },
    { description: 'Large videos', command: "<%= config.bin %> find media --name '*.mkv' --size +1G" },
    {
      description: 'Is it in any of the archives that back up there?',
      command: '<%= config.bin %> find --remote nas --same-as ~/Downloads/scan.pdf',
    },
    {
      description: 'Symbolic links, as of an operation',
      command: '<%= config.bin %> find --kind symlink --at op:12',
    },
    {
      description: 'Pass names on whatever they hold',
      command: "<%= config.bin %> find --name '*.tmp' -0 | xargs -0 -n1 echo",
    },
  ];
  static override args = {
    path: Args.string({ ignoreStdin: true, description: 'Where to look. Default: the whole archive.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...nullFlag,
    ...progressFlag,
    ...remoteFlags,
    'same-as': Flags.string({
      helpValue: 'FILE',
      exclusive: ['hash'],
      description: 'Entries with the content of this file of the real filesystem.',
    }),
    hash: Flags.string({
      helpValue: 'H',
      description: 'Entries with this content: its hash or the first digits.',
    }),
    name: Flags.string({
      helpValue: 'GLOB',
      description: 'Entries whose name, or path when GLOB has a slash, matches.',
    }),
    size: Flags.string({
      helpValue: '[+-]N',
      description: 'Files of at least +N, at most -N or exactly N bytes.',
    }),
    kind: Flags.option({ options: KINDS, description: 'Entries of this kind.' })(),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Find);
    const { hash, name, kind, at } = flags;
    const range = flags.size === undefined ? {} : parseSizeRange(flags.size);
    const byContent = flags['same-as'] !== undefined || hash !== undefined;
    if (flags.remote !== undefined) {
      const query = await withContent({ path: args.path, hash, name, kind, ...range }, flags['same-as']);
      await this.findAcross({ ...query, path: withoutSlash(args.path) }, byContent, {
        ...flags,
        remote: flags.remote,
      });
      return;
    }
    await this.read(flags, async (reader) => {
      const query = { path: this.inside(reader, args.path), hash, name, kind, ...range };
      const rows = reader.find(await withContent(query, flags['same-as']), { at });
      const found = await this.list(this.sayingTars(rows), flags, ENTRY_COLUMNS);
      if (byContent && found === 0) process.exitCode = EXIT.no;
    });
  }

  /** A row of a directory does not say by itself why it was found. */
  private async *sayingTars(rows: AsyncIterable<EntryRow>): AsyncGenerator<EntryRow> {
    for await (const row of rows) {
      if (row.ingestedBy !== undefined)
        this.say(`hkfs: a tar, ingested as a tree by operation ${row.ingestedBy}: /${visibleName(row.path)}`);
      yield row;
    }
  }

  private async findAcross(query: FindQuery, byContent: boolean, flags: AcrossFlags): Promise<void> {
    await this.work(flags.progress, async ({ signal, view }) => {
      const archives = await openForAsking(flags, {
        remote: flags.remote,
        offline: flags.offline,
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
      try {
        view.stop();
        const found = await this.list(archives.find(query), flags, ACROSS_COLUMNS);
        process.exitCode =
          exitCodeAcross(archives.troubles) ?? (byContent && found === 0 ? EXIT.no : EXIT.ok);
      } finally {
        await archives.close();
      }
    });
  }
}

interface AcrossFlags extends WhichArchive {
  readonly json: boolean;
  readonly progress: string;
  readonly remote: string;
  readonly offline: boolean;
}

/** In every archive the same: nothing here says where others are on disk. */
function withoutSlash(path: string | undefined): string {
  return path?.replace(/^\/+/, '') ?? '';
}

/** The query narrowed to a file's content. Empty files have no hash: their size says it all. */
async function withContent(
  query: FindQuery,
  file: string | undefined,
): Promise<Parameters<ArchiveReader['find']>[0]> {
  if (file === undefined) return query;
  const { hashOutsideFile } = await import('../archive/content.js');
  const { hash } = await hashOutsideFile(file);
  return hash === null ? { ...query, kind: 'file', minSize: 0, maxSize: 0 } : { ...query, hash };
}
