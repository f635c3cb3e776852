import { BaseCommand } from '../cli/base-command.js';
import { confirm } from '../cli/confirm.js';
import { archiveFlags, atFlag, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { restoreParagraph, restorePlanText } from '../cli/summaries.js';
import { exitCodeOfFailures } from '../cli/exit-code.js';

const OVERWRITE = ['never', 'if-different', 'always'] as const;

export default class Restore extends BaseCommand {
  static override summary = 'Bring entries back to files, with everything that they had.';
  static override description = `Each PATH lands as DIR/NAME, where NAME is its last name. A PATH that ends in a slash (and the root, /) puts what it holds into DIR itself, and gives DIR its attributes. DIR is made where it is not there, and must not be in the archive.

Files, directories, symlinks, fifos, sockets and devices get mode, owner, modification time to the nanosecond, extended attributes and ACLs; holes stay holes, and names that shared an inode share one again. Only root can give files to others and make devices: what could not be set is listed once for each reason, with exit code 3.

What is in DIR already is kept: what is as it should be is skipped, and what differs is counted and told, unless --overwrite says otherwise. So the same command again goes on where a stopped one ended. Each file is written under a temporary name beside its place (.hkfs-restore-…) and then renamed; nothing is ever written through a symlink.

--link makes hard links to the objects: instant and without room, and read-only: such a file shares its inode with the archive, so that mode, owner and time are the object's and not the entry's, and must not be changed by force. DIR has to be on the archive's filesystem. An object with as many links as the filesystem takes is copied.

--overwrite if-different replaces what differs in kind, size, time, mode, owner, attributes or target; always replaces every file. --delete also removes from where a PATH lands what it did not hold, so that it becomes equal. Both show what would be lost and ask first.

Of contents that gc has deleted it is said when and by which operation they went, with exit code 3. Exit code 4: the bytes of some objects are missing or damaged, and no other copy here is good; these files are not restored. What is read is hashed on its way; a link to an object, or blocks shared with it, are trusted where its seal fits, and else it is hashed first. --verify asks for what is always done, and is accepted for older scripts.

--json prints one object: files, bytes, directories, symlinks, specials, links, skipped, differing, overwritten, deleted, failed and seconds; with --dry-run also plan.`;
  static override examples = [
    {
      description: 'A folder, as /mnt/disk/2019',
      command: '<%= config.bin %> restore photos/2019 --to /mnt/disk',
    },
    {
      description: 'What it holds, into a folder of another name',
      command: '<%= config.bin %> restore photos/2019/ --to /mnt/disk/summer',
    },
    {
      description: 'As it was, in place of what is there now',
      command: "<%= config.bin %> restore documents/ --to ~/documents --at '2 days ago' --delete --dry-run",
    },
    {
      description: 'A copy to look at, at once',
      command: '<%= config.bin %> restore projects --to /data/look --link',
    },
    {
      description: 'The whole archive, every byte checked',
      command: '<%= config.bin %> restore / --to /mnt/new',
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
    to: Flags.string({ required: true, helpValue: 'DIR', description: 'The directory to restore to.' }),
    link: Flags.boolean({
      description: 'Make hard links to the objects instead of copies: instant, read-only.',
    }),
    overwrite: Flags.option({
      options: OVERWRITE,
      description: 'What becomes of what is there already. Default: never; with --delete if-different.',
    })(),
    delete: Flags.boolean({ description: 'Also remove what PATH did not hold, from where it lands.' }),
    verify: Flags.boolean({ description: 'What is always done now: hash, and restore nothing damaged.' }),
    'dry-run': Flags.boolean({
      description: 'Show what would be overwritten and deleted, and change nothing.',
    }),
    yes: Flags.boolean({ char: 'y', description: 'Overwrite and delete without asking.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Restore);
    const { to, at, link, overwrite, verify, yes } = flags;
    await this.write({ ...flags, orAside: true }, async (archive, { signal, view, style }) => {
      if (at !== undefined) await this.sayMoment(archive, at);
      const summary = await archive.restore({
        paths: args.path.map((path) => this.withSlash(archive, path)),
        ...{ to, at, link, overwrite, verify, delete: flags.delete, dryRun: flags['dry-run'] },
        confirm: (plan) => confirm(restorePlanText(plan), { yes }),
        estimate: style === 'bar' || style === 'json',
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
      view.stop();
      await this.print(summary, flags, () => restoreParagraph(summary));
      process.exitCode = exitCodeOfFailures(summary.failed);
    });
  }
}
