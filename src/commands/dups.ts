import type { ArchiveReader, DupsQuery } from '../archive/api.js';
import { barLines, showsBars } from '../cli/bars.js';
import { BaseCommand } from '../cli/base-command.js';
import { exitCodeAcross } from '../cli/exit-code.js';
import { DupsTotals, groupBlock } from '../cli/dups-text.js';
import { archiveFlags, atFlag, bytesFlag, progressFlag, remoteFlags } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { openForAsking, type WhichArchive } from '../cli/open-archive.js';
import { EXIT, HkfsError } from '../errors.js';

/** Directories below the path that are shown as bars on a terminal. */
const BAR_DEPTH = 2;

export default class Dups extends BaseCommand {
  static override summary = 'Find duplicate files and directories.';
  static override description = `Lists groups of equal directories and equal files, the largest gain first. Directories are equal when they hold the same names with the same contents, link targets and directories, whatever their modes, owners and times. What equal directories hold is not listed again, but where it is somewhere else as well; then it is listed once for all of them.

The first path of a group is the one to keep: one that lies in a directory that another group keeps, else the outermost. The gain is what plain copies would free: the archive itself stores each content once. Names that were hard links of one file in their source count once.

With --under and --against: what below the first is also below the second, which is protected and never counts as a gain. Where one lies in the other, the inner one is a side of its own.

With --remote NAME files of all archives that back up to that remote are compared, as find --remote asks them; paths begin with the id of their archive and a colon. Directories are not.

--format script writes a shell script of prune commands to read, change and run; each checks again before it removes anything.

--json prints one row per group: kind (dir, file, or with --same-names no also contents), hash, size and files of one member, count, reclaimable bytes and paths; with --against also how many of the paths, the first ones, are protected.`;
  static override examples = [
    { description: 'What is there twice?', command: '<%= config.bin %> dups' },
    {
      description: 'Only whole directories of at least 100 MiB',
      command: '<%= config.bin %> dups machines --kind dir --min-size 100M',
    },
    {
      description: 'What of the old laptop is in the photo folder already?',
      command: '<%= config.bin %> dups --under old-laptop --against photos',
    },
    {
      description: 'Also directories whose files were renamed',
      command: '<%= config.bin %> dups --kind dir --same-names no',
    },
    {
      description: 'A script to review and run',
      command: '<%= config.bin %> dups --format script > prune.sh',
    },
  ];
  static override args = {
    path: Args.string({
      ignoreStdin: true,
      description: 'A directory inside the archive. Default: its root.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...progressFlag,
    ...remoteFlags,
    remote: Flags.string({
      helpValue: 'NAME',
      exclusive: ['at', 'all', 'under', 'against'],
      description: 'Ask all archives that back up to this remote; files only.',
    }),
    kind: Flags.option({
      options: ['file', 'dir'] as const,
      description: 'Only directories, or only files, those below equal directories among them.',
    })(),
    'min-size': bytesFlag({
      description: 'Only members of at least N bytes. Default: 1, which leaves out what is empty.',
    }),
    all: Flags.boolean({
      description: 'Every group with every member, also below equal directories.',
    }),
    under: Flags.string({
      multiple: true,
      helpValue: 'A',
      description: 'With --against: directories to find duplicates in.',
    }),
    against: Flags.string({
      multiple: true,
      helpValue: 'B',
      description: 'With --under: directories that are to stay as they are.',
    }),
    'same-names': Flags.option({
      options: ['yes', 'no'] as const,
      default: 'yes',
      description: 'no: also directories that hold the same contents under other names.',
    })(),
    format: Flags.option({
      options: ['text', 'script'] as const,
      default: 'text',
      description: 'script: a shell script of prune commands.',
    })(),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Dups);
    const { at } = flags;
    if (flags.remote !== undefined) {
      const isOther = flags.kind === 'dir' || flags.format === 'script' || flags['same-names'] === 'no';
      if (isOther || args.path !== undefined)
        throw new HkfsError('USAGE', '--remote compares all files of all archives', {
          hint: 'leave out PATH, --kind dir, --same-names and --format',
        });
      await this.showAcross({ ...flags, remote: flags.remote });
      return;
    }
    const inside = (reader: ArchiveReader, path: string): string => this.inside(reader, path);
    await this.read(flags, async (reader) => {
      const paths = (texts: string[] | undefined): string[] | undefined =>
        texts?.map((text) => inside(reader, text));
      const query: DupsQuery = {
        path: args.path === undefined ? undefined : inside(reader, args.path),
        under: paths(flags.under),
        against: paths(flags.against),
        kind: flags.kind,
        minSize: flags['min-size'],
        all: flags.all,
        sameNames: flags['same-names'] === 'yes',
      };
      if (flags.format === 'script') await this.writeScript(reader, query, flags);
      else await this.show(reader, query, { ...flags, at });
    });
  }

  private async show(
    reader: ArchiveReader,
    query: DupsQuery,
    flags: { json: boolean; at: string | undefined },
  ): Promise<void> {
    const { at } = flags;
    const totals = new DupsTotals();
    await this.list(totals.count(reader.dups(query, { at })), flags, groupBlock);
    if (flags.json) return;
    if (showsBars(process.stdout, flags) && query.under === undefined)
      await this.lines(
        barLines(reader.du(query.path ?? '', { at, depth: BAR_DEPTH }), process.stdout.columns || 80),
      );
    this.say(totals.line(query.all === true));
  }

  private async showAcross(flags: AcrossFlags): Promise<void> {
    await this.work(flags.progress, async ({ signal, view }) => {
      const { update: onProgress, message: onMessage } = view;
      const { remote, offline } = flags;
      const archives = await openForAsking(flags, { remote, offline, onProgress, onMessage, signal });
      try {
        view.stop();
        const totals = new DupsTotals();
        const rows = archives.dups({ minSize: flags['min-size'] });
        await this.list(totals.count(rows), flags, groupBlock);
        if (!flags.json) this.say(totals.line(false));
        process.exitCode = exitCodeAcross(archives.troubles) ?? EXIT.ok;
      } finally {
        await archives.close();
      }
    });
  }

  private async writeScript(
    reader: ArchiveReader,
    query: DupsQuery,
    flags: { json: boolean; at: string | undefined },
  ): Promise<void> {
    const { pruneScript, refuseForScript } = await import('../cli/prune-script.js');
    refuseForScript({ ...flags, all: query.all });
    await this.pipe(pruneScript(reader.dups(query), reader.root, process.stdout.isTTY));
  }
}

interface AcrossFlags extends WhichArchive {
  readonly json: boolean;
  readonly progress: string;
  readonly remote: string;
  readonly offline: boolean;
  readonly 'min-size': number | undefined;
}
