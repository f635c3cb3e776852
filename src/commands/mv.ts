import { BaseCommand } from '../cli/base-command.js';
import { exitCodeOfFailures } from '../cli/exit-code.js';
import { moveText } from '../cli/change-words.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';

export default class Mv extends BaseCommand {
  static override summary = 'Rename an entry, or move it into a directory.';
  static override description = `One event, whatever is below: a directory of a hundred thousand files is renamed as fast as an empty one, in the archive and on the disk. FROM keeps its history, and --at still knows it under the old name.

TO is the new path, or a directory that FROM goes into. A file that has the name already is replaced only with --force, and stays in history. Names that differ in nothing but case, or in how é is written, are different names.

What a person put into the tree by hand is never replaced.

--json prints one object: operation (null where nothing had to be done), from and to; where the disk refused something also failed, with exit code 3; with --dry-run also dryRun and plan.`;
  static override examples = [
    { description: 'Rename a folder', command: '<%= config.bin %> mv photos/unsorted photos/2019' },
    { description: 'Move a file into a folder', command: '<%= config.bin %> mv IMG_0001.jpg photos/2019/' },
    { description: 'Take it back', command: '<%= config.bin %> undo' },
  ];
  static override args = {
    from: Args.string({ required: true, ignoreStdin: true, description: 'The path of the entry.' }),
    to: Args.string({ required: true, ignoreStdin: true, description: 'Its new path, or a directory.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    force: Flags.boolean({
      char: 'f',
      description: 'Replace a file that has the name; it stays in history.',
    }),
    'dry-run': Flags.boolean({ char: 'n', description: 'Say what would happen, and change nothing.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Mv);
    await this.write(flags, async (archive, { view }) => {
      const summary = await archive.move({
        from: this.inside(archive, args.from),
        to: this.landing(archive, args.to),
        force: flags.force,
        dryRun: flags['dry-run'],
        onMessage: view.message,
      });
      view.stop();
      await this.print(summary, flags, () => moveText(summary));
      if (summary.failed !== undefined) process.exitCode = exitCodeOfFailures(summary.failed);
    });
  }

  /** A slash at the end says that a directory is meant. */
  private landing(archive: { readonly root: string }, to: string): string {
    const inside = this.inside(archive, to);
    return to.endsWith('/') && !inside.endsWith('/') ? `${inside}/` : inside;
  }
}
