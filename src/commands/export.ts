import { BaseCommand } from '../cli/base-command.js';
import { confirm } from '../cli/confirm.js';
import { exitCodeOfFailures } from '../cli/exit-code.js';
import { archiveFlags, atFlag, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { bytesOut } from '../cli/output.js';
import { exportParagraph } from '../cli/summaries.js';
import { visibleName } from '../cli/visible-name.js';

const FORMATS = ['pax', 'gnu', 'ustar'] as const;
const MANIFESTS = ['b3sum', 'hashdeep', 'mtree'] as const;

export default class Export extends BaseCommand {
  static override summary = 'Write entries as a tar, or as a manifest.';
  static override description = `The tar goes to standard output, or with -o to a file, which has its name only when it is whole. Each PATH goes in under its last name; a PATH that ends in a slash (and the root, /) puts what it holds at the top. Entries come in the order of the bytes of their names, and nothing but the entries goes in: the same entries give the same bytes, whoever runs it.

The format is pax: names of any bytes and length, times in nanoseconds, extended attributes (SCHILY.xattr), ACLs (SCHILY.acl), hard links, and holes (GNU sparse 1.0). GNU tar gives all of it back with --xattrs --xattrs-include='*' --acls --numeric-owner, bsdtar with -p --xattrs --acls --numeric-owner. No tar holds sockets. gnu holds no nanoseconds, extended attributes and ACLs; ustar moreover no holes, no names above 255 bytes, no link targets above 100, no files of 8 GiB and no times before 1970. What the format did not hold is listed, once for each reason, and the exit code is 3.

The ending of the file chooses a compression: .gz and .tgz, .zst, .xz, .bz2; the last two need the program of that name, and .zst does where Node does not know it.

--manifest writes a manifest instead: b3sum for b3sum --check, straight from the log; hashdeep for hashdeep -r -l -o f -a -k; mtree, with SHA-256. For the last two the contents are read.

Every content is hashed before it goes out. Exit code 4: some are missing or damaged; these files are left out and listed. A tar that cannot be finished ends so that no reader takes it for whole, and a file is not left at all.

--json prints one object: files, bytes, directories, symlinks, specials, links, output, failed and seconds; where the tar is on standard output, to standard error.`;
  static override examples = [
    {
      description: 'A folder as a compressed tar',
      command: '<%= config.bin %> export photos/2019 -o 2019.tar.zst',
    },
    {
      description: 'Straight to another machine, as it was',
      command:
        "<%= config.bin %> export documents/ --at '2 days ago' | ssh host 'tar -xpf - --xattrs -C /restore'",
    },
    {
      description: 'For an old reader (exit code 3 where times have nanoseconds, which ustar does not hold)',
      command: '<%= config.bin %> export projects --format ustar -o projects.tar',
    },
    {
      description: 'Check a disk against the archive',
      command:
        '<%= config.bin %> export photos/ --manifest b3sum | (cd /mnt/disk/photos && b3sum -c --quiet)',
    },
  ];
  static override args = {
    path: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Paths inside the archive; with a slash at its end, what a directory holds.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    ...atFlag,
    output: Flags.string({
      char: 'o',
      helpValue: 'FILE',
      description: 'Write to this file. Default, and -: standard output, which must not be a terminal.',
    }),
    format: Flags.option({ options: FORMATS, description: 'The format of the tar. Default: pax.' })(),
    manifest: Flags.option({
      options: MANIFESTS,
      exclusive: ['format'],
      description: 'Write a manifest instead of a tar.',
    })(),
    yes: Flags.boolean({ char: 'y', description: 'Replace a file that is there without asking.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Export);
    const { at, format, manifest, yes } = flags;
    const file = flags.output === '-' ? undefined : flags.output;
    if (file === undefined && manifest === undefined) this.refuseTerminal();
    await this.write({ ...flags, orAside: true }, async (archive, { signal, view, style }) => {
      if (at !== undefined) await this.sayMoment(archive, at);
      const summary = await archive.export({
        paths: args.path.map((path) => this.withSlash(archive, path)),
        ...{ at, format, manifest },
        to: file ?? bytesOut(),
        confirm: (path) => confirm(`${visibleName(path)} is there and would be replaced`, { yes }),
        estimate: style === 'bar' || style === 'json',
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
      view.stop();
      const text = (): string => exportParagraph(summary);
      if (file !== undefined) await this.print(summary, flags, text);
      else this.say(flags.json ? JSON.stringify(summary) : text());
      process.exitCode = exitCodeOfFailures(summary.failed);
    });
  }
}
