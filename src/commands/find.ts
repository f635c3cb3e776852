import type { ArchiveReader, EntryRow, FindQuery } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { ENTRY_COLUMNS } from '../cli/entry-table.js';
import { archiveFlags, atFlag, nullFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { parseSizeRange } from '../cli/parse-values.js';
import { visibleName } from '../cli/visible-name.js';
import { EXIT } from '../errors.js';

const KINDS = ['file', 'directory', 'symlink', 'fifo', 'socket', 'chardev', 'blockdev'] as const;

export default class Find extends BaseCommand {
  static override summary = 'Find entries by content, name, size or kind.';
  static override description = `Lists the entries at or below PATH for which every given condition holds. By content the answer comes from an index and not from a search: --same-as hashes a file anywhere and finds its names in the archive; of a tar it also finds the tree that the tar was ingested as, and says by which operation.

--size takes +N for at least, -N for at most and N for exactly that many bytes, with k, M, G or T for binary units.

Exit code 1 when --same-as or --hash finds nothing: the content is not in the archive.

--json prints rows as those of ls; the row of a tree that a tar became also has ingestedBy, the operation.`;
  static override examples = [
    {
      description: 'Is this file in the archive, and where?',
      command: '<%= config.bin %> find --same-as ~/Downloads/scan.pdf',
    },
    { description: 'All names of a content', command: '<%= config.bin %> find --hash 9f86d081' },
    { description: 'Large videos', command: "<%= config.bin %> find media --name '*.mkv' --size +1G" },
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
    await this.read(flags, async (reader) => {
      const query = { path: this.inside(reader, args.path), hash, name, kind, ...range };
      const rows = reader.find(await withContent(query, flags['same-as']), { at });
      const found = await this.list(this.sayingTars(rows), flags, ENTRY_COLUMNS);
      const byContent = flags['same-as'] !== undefined || hash !== undefined;
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
