import type { CloneSummary } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { jsonFlag, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { cloneParagraph } from '../cli/remote-summaries.js';
import { EXIT } from '../errors.js';

export default class Clone extends BaseCommand {
  static override summary = 'Make an archive from a remote or a bundle.';
  static override description = `Fetches the log of an archive from a remote, checks it against the signed checkpoint, replays it, fetches the contents, each checked against its hash, and builds the tree. The clone has the same head (size and root) as the archive had at its last backup there. A clone that was stopped or killed goes on when the same command is run again.

With --catalogue only the log is fetched: every query works at once and without contents, cat and restore fetch what they need, and fetch brings more.

The checkpoint has to be signed by the key that the remote has for the archive. Whoever does not trust the remote gives the archive's public key with --key (a file such as .hkfs/keys/archive.pub, or its text).

A clone is the same archive in another place. It has the public key and not the private one: to go on backing up to the same remote after the first one is lost, put a copy of its .hkfs/keys/archive there.

Contents that the remote lacks or has damaged are listed, with exit code 4; all else is cloned, and running fetch later tries again.

--json prints one object: archive, id, size, root, key, objects, bytes, damaged, missing, damagedFiles, catalogue, openToOthers and seconds.`;
  static override examples = [
    {
      description: 'Bring everything back from a disk',
      command: '<%= config.bin %> clone /mnt/usb/backup ~/archive',
    },
    {
      description: 'Only the names, from S3',
      command: '<%= config.bin %> clone s3://bucket/backup ~/catalogue --catalogue',
    },
    {
      description: 'The archive as it was',
      command: "<%= config.bin %> clone /mnt/usb/backup ~/archive-then --at '2 months ago'",
    },
  ];
  static override args = {
    url: Args.string({
      required: true,
      ignoreStdin: true,
      description: "A remote's URL or directory, or the file of a bundle.",
    }),
    dir: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'A new or empty directory, or one in which the same clone was begun.',
    }),
  };
  static override flags = {
    ...jsonFlag,
    ...progressFlag,
    at: Flags.string({
      helpValue: 'MOMENT',
      description:
        'Only what the archive was then, up to the end of the commit that has the moment: @1234, op:12, tag:NAME, an ISO time, or a phrase such as "2 days ago".',
    }),
    catalogue: Flags.boolean({ description: 'Only the log: names without contents.' }),
    id: Flags.string({ helpValue: 'ID', description: 'Which archive, where the remote has several.' }),
    key: Flags.string({
      helpValue: 'KEY',
      description: 'The public key that has to have signed: a file, or the key itself.',
    }),
    private: Flags.boolean({
      description: "The directory becomes its owner's alone (0700), as its .hkfs always is.",
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Clone);
    const { at, catalogue, id, key } = flags;
    const summary = await this.work(flags.progress, async ({ signal, view }) => {
      const { Archive } = await import('../archive/archive.js');
      return Archive.clone({
        url: args.url,
        directory: args.dir,
        at,
        catalogue,
        archiveId: id,
        key,
        private: flags.private,
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
    });
    await this.print(summary, flags, () => cloneParagraph(summary));
    process.exitCode = exitCodeOf(summary);
  }
}

function exitCodeOf({ damaged, missing, damagedFiles }: CloneSummary): number {
  return damaged.length + missing.length + damagedFiles.length > 0 ? EXIT.damage : EXIT.ok;
}
