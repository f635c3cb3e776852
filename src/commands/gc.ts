import type { GcSummary } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { planText } from '../cli/change-words.js';
import { confirm } from '../cli/confirm.js';
import { archiveFlags, durationFlag, progressFlag } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';
import { gcText } from '../cli/prune-words.js';
import { EXIT } from '../errors.js';

export default class Gc extends BaseCommand {
  static override summary = 'Delete contents that nothing names any more.';
  static override description = `Deletes objects whose last name went longer ago than --older-than, 30 days unless told. This is the one command after which contents are gone: their names, sizes and hashes stay in the log, their bytes do not, and what needed them can be neither restored nor undone. orphans lists what may go.

What stays, whatever its age: what lost its last name by the last operation that changed names or later, so that an undo always has its contents; what was named at the moment of a tag; what has another name on the disk (a source that was ingested with --mode link, a hard link made by hand); and what is not in the hash tree as recorded, until verify has seen it.

Asks before it deletes; --yes goes on without asking. A span of time is written 90s, 10m, 12h, 30d, 2w or 1y.

--json prints a row for each object that went: hash, size, lastPath and since; and last one object: operation (null where nothing went), objects, bytes and kept (how many orphans stay: recent, undo, tagged, linked, unverified); with --dry-run also dryRun and plan.`;
  static override examples = [
    { description: 'What would go', command: '<%= config.bin %> gc --dry-run' },
    {
      description: 'Delete what has had no name for a year',
      command: '<%= config.bin %> gc --older-than 1y',
    },
    { description: 'In a script', command: '<%= config.bin %> gc --yes' },
  ];
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    'older-than': durationFlag({ description: 'Only what lost its last name longer ago than T: 30d.' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'Say what would go, and change nothing.' }),
    yes: Flags.boolean({ char: 'y', description: 'Delete without asking.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Gc);
    const { yes, 'older-than': age } = flags;
    await this.write({ ...flags, inNoRoom: true }, async (archive, { signal, view }) => {
      let isDeclined = false;
      const ask = async (plan: readonly string[]): Promise<boolean> => {
        isDeclined = !(await confirm(planText(plan), { yes }));
        return !isDeclined;
      };
      const summary = await archive.gc({
        olderThanMs: age === undefined ? undefined : Date.now() - age,
        dryRun: flags['dry-run'],
        ...(yes ? {} : { confirm: ask }),
        onMessage: view.message,
        signal,
      });
      view.stop();
      await this.show(summary, flags);
      if (isDeclined) process.exitCode = EXIT.no;
    });
  }

  /** The rows of what went, and then the rest of the summary. */
  private async show(summary: GcSummary, flags: { json: boolean }): Promise<void> {
    const { collected, ...rest } = summary;
    if (!flags.json) return this.print(summary, flags, () => gcText(summary));
    for (const row of collected) await this.print(row, flags, () => '');
    await this.print(rest, flags, () => '');
  }
}
