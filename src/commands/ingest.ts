import { BaseCommand } from '../cli/base-command.js';
import { canAsk, confirm } from '../cli/confirm.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { ingestParagraph } from '../cli/summaries.js';
import { EXIT } from '../errors.js';

const MODES = ['copy', 'link', 'assimilate', 'move'] as const;

export default class Ingest extends BaseCommand {
  static override summary = 'Take directories, files and tars into the archive.';
  static override description = `Each content is stored once, whatever the number of its names; every name is kept with its mode, owner, times, extended attributes and ACLs. Symbolic links are recorded and never followed.

Ingesting the same source at the same path again makes a new version: files whose size, times and inode are as they were are not read again. What is gone from the source stays in the archive, unless --mirror is given.

When with --mirror more than half of what the archive has of a SOURCE is gone from it, nothing is changed without a yes on a terminal or --yes: a disk that is not mounted must not become a mass deletion. --mirror does not go with --mode move, which empties what it would mirror.

With more than one SOURCE, and for a single one without --to, each lands under its own name. A file that changes while it is read is read again, and reported when it does not come to rest.

--exclude takes shell globs, of which ** crosses directories, as gitignore does: without a slash one is matched against names, at any depth; with one against paths from the SOURCE, or from / when it begins with a slash; one that ends with a slash means directories only. What is below an excluded directory is not read. A glob that matched nothing is told.

The modes: copy leaves the source untouched and shares its blocks where the filesystem can. link makes the source's own inode the object. assimilate links, and replaces source files whose content is already stored by links to it. move links, and removes the source once all is durable. All but copy need the source on the archive's filesystem; files that another program has open for writing, or that have names outside of the sources, are copied all the same. Before a source goes or is replaced, its bytes are compared with the object's.

A tar, also compressed by gzip, zstd, xz or bzip2, is taken in as the tree that it holds, in one pass and without an unpacked copy; - is a tar on the standard input, for which --to names the tree. It is recognised by its content. Its tree goes by its name without the endings, or by --to. What is damaged or cannot be taken is listed with its byte, and the rest is taken in. --as-file keeps tars as files, and --tar says that a file is a tar where its first block is destroyed.

The first Ctrl-C stops cleanly after the commit under way; what was committed stays. Exit code 3 says that some sources could not be read, or could not be given up under --mode move or assimilate; each is listed.

--json prints one object: operation, files, bytes, directories, symlinks, specials, newObjects, newBytes, duplicateFiles, duplicateBytes, unchangedFiles, removed, failed and seconds.`;
  static override examples = [
    { description: 'Take in a folder as photos/', command: '<%= config.bin %> ingest ~/photos' },
    {
      description: 'Take in an old disk below a path',
      command: '<%= config.bin %> ingest /mnt/old-disk --to machines/2009-laptop',
    },
    { description: 'Take in a tar as the tree backup/', command: '<%= config.bin %> ingest backup.tar.zst' },
    {
      description: 'Take in what another machine sends',
      command: 'ssh host tar -c /home | <%= config.bin %> ingest - --to machines/host',
    },
    {
      description: 'Follow a source, removals included',
      command: '<%= config.bin %> ingest ~/documents --mirror',
    },
    {
      description: 'See what would happen',
      command: "<%= config.bin %> ingest ~/src --exclude node_modules/ --exclude '*.o' --dry-run",
    },
    {
      description: 'Free the space of what is stored already',
      command: '<%= config.bin %> ingest /data/unsorted --mode assimilate',
    },
  ];
  static override args = {
    source: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Directories, files and tars to take in; - is a tar on the standard input.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    to: Flags.string({
      helpValue: 'PATH',
      description: 'The path inside the archive where the sources land.',
    }),
    mode: Flags.option({
      options: MODES,
      default: 'copy',
      description: 'What becomes of the source files.',
    })(),
    mirror: Flags.boolean({
      description: 'Also remove from the archive path what vanished from the source.',
    }),
    yes: Flags.boolean({
      char: 'y',
      dependsOn: ['mirror'],
      description: 'With --mirror: remove also more than half of what the archive has of a source.',
    }),
    checksum: Flags.boolean({
      description: 'Read files also where size, times and inode say that they are unchanged.',
    }),
    exclude: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'GLOB',
      description:
        'Leave out what matches: names, or paths from the source when GLOB has a slash; directories alone when it ends with one.',
    }),
    'as-file': Flags.boolean({ description: 'Keep tars as the files that they are.' }),
    tar: Flags.boolean({ description: 'Read files as tars, also where their beginning is destroyed.' }),
    'ignore-zeros': Flags.boolean({
      description: 'Read on after the end of a tar: several may stand one after the other.',
    }),
    init: Flags.boolean({ description: 'Make the archive first when there is none.' }),
    'dry-run': Flags.boolean({ description: 'Read and compare, and change nothing.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ingest);
    const { to, mode, mirror, yes, checksum, exclude } = flags;
    const { 'as-file': asFile, tar: asTar, 'ignore-zeros': ignoreZeros, 'dry-run': dryRun } = flags;
    const options = {
      sources: args.source,
      to,
      mode,
      mirror,
      yes,
      checksum,
      exclude,
      asFile,
      asTar,
      ignoreZeros,
      dryRun,
    };
    // Only where it is asked for: to touch the standard input is to open it.
    const input = args.source.includes('-') && !process.stdin.isTTY ? process.stdin : undefined;
    await this.write(flags, async (archive, { signal, view, style }) => {
      const summary = await archive.ingest({
        ...options,
        input,
        ...(canAsk() ? { confirm: (plan) => confirm(plan, { yes: false }) } : {}),
        estimate: style === 'bar' || style === 'json',
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
      view.stop();
      await this.print(summary, flags, () => ingestParagraph(summary));
      if (summary.failed.length > 0) process.exitCode = EXIT.partial;
      if (signal.aborted) process.exitCode = EXIT.interrupted;
    }).finally(() => input?.destroy());
  }
}
