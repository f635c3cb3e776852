import { BaseCommand } from '../cli/base-command.js';
import { exitCodeOfFailures } from '../cli/exit-code.js';
import { planText, removeText } from '../cli/change-words.js';
import { confirm } from '../cli/confirm.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { EXIT } from '../errors.js';

export default class Rm extends BaseCommand {
  static override summary = 'Take entries out of the tree; history keeps them.';
  static override description = `One event for each PATH, whatever is below. No content is removed: every past moment still shows the entries, and undo brings them back.

The files go from the tree on the disk as well. What a person put there by hand stays, with the directories that hold it, and each is named in a warning.

Asks before it removes; --yes goes on without asking.

--json prints one object: operation and removed (the outermost paths); where the disk refused something also failed, with exit code 3; with --dry-run also dryRun and plan.`;
  static override examples = [
    {
      description: 'Remove a folder and a file',
      command: '<%= config.bin %> rm photos/blurred IMG_0001.jpg',
    },
    { description: 'See what would go', command: '<%= config.bin %> rm downloads --dry-run' },
    { description: 'In a script', command: '<%= config.bin %> rm downloads --yes' },
    { description: 'Look at it all the same', command: '<%= config.bin %> ls downloads --at yesterday' },
  ];
  static override args = {
    path: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Files and directories of the archive.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    'dry-run': Flags.boolean({ char: 'n', description: 'Say what would go, and change nothing.' }),
    yes: Flags.boolean({ char: 'y', description: 'Remove without asking.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Rm);
    const { yes } = flags;
    await this.write({ ...flags, inNoRoom: true }, async (archive, { view }) => {
      const summary = await archive.remove({
        paths: args.path.map((path) => this.inside(archive, path)),
        dryRun: flags['dry-run'],
        ...(yes ? {} : { confirm: (plan) => confirm(planText(plan), { yes }) }),
        onMessage: view.message,
      });
      view.stop();
      await this.print(summary, flags, () => removeText(summary));
      if (summary.operation === null && summary.dryRun === undefined) process.exitCode = EXIT.no;
      if (summary.failed !== undefined) process.exitCode = exitCodeOfFailures(summary.failed);
    });
  }
}
