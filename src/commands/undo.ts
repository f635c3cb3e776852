import { BaseCommand } from '../cli/base-command.js';
import { exitCodeOfFailures } from '../cli/exit-code.js';
import { planText, undoText } from '../cli/change-words.js';
import { confirm } from '../cli/confirm.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { parseOperation } from '../cli/parse-values.js';
import { EXIT } from '../errors.js';

export default class Undo extends BaseCommand {
  static override summary = 'Reverse an operation.';
  static override description = `Appends the events that reverse OPERATION, by default the last that changed names: what it renamed gets its name back, what it removed or replaced is there again, what it brought goes. History only grows: an undo is an operation as well, and can be undone. So a second undo without a number takes back the first.

What later operations changed is left alone and listed; that is no failure. A new directory goes only when nothing of others is in it.

An operation that was cut short is undone as far as it went, and an undo that was cut short goes on when it is asked for again by number.

Asks where it removes or replaces; --yes goes on without asking.

--json prints one object: operation (null where nothing had to be done), undone, restored, removed, renamed and skipped (path and reason); where the disk refused something also failed, with exit code 3; with --dry-run also dryRun and plan.`;
  static override examples = [
    { description: 'The last change', command: '<%= config.bin %> undo' },
    { description: 'See what that would do', command: '<%= config.bin %> undo --dry-run' },
    { description: 'An earlier one; `hkfs ops` has the numbers', command: '<%= config.bin %> undo 7' },
  ];
  static override args = {
    operation: Args.string({ ignoreStdin: true, description: 'The number of the operation.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    'dry-run': Flags.boolean({ char: 'n', description: 'Say what would happen, and change nothing.' }),
    yes: Flags.boolean({ char: 'y', description: 'Remove and replace without asking.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Undo);
    const { yes } = flags;
    await this.write(flags, async (archive, { view }) => {
      let isDeclined = false;
      const ask = async (plan: readonly string[]): Promise<boolean> => {
        isDeclined = !(await confirm(planText(plan), { yes }));
        return !isDeclined;
      };
      const summary = await archive.undo({
        operation: args.operation === undefined ? undefined : parseOperation(args.operation),
        dryRun: flags['dry-run'],
        ...(yes ? {} : { confirm: ask }),
        onMessage: view.message,
      });
      view.stop();
      await this.print(summary, flags, () => undoText(summary));
      if (isDeclined) process.exitCode = EXIT.no;
      if (summary.failed !== undefined) process.exitCode = exitCodeOfFailures(summary.failed);
    });
  }
}
