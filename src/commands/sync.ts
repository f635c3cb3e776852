import type { SyncSummary } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { canAsk, confirm } from '../cli/confirm.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';
import { syncParagraph } from '../cli/sync-summary.js';
import { EXIT } from '../errors.js';

export default class Sync extends BaseCommand {
  static override summary = 'Adopt what was done by hand in the tree.';
  static override description = `Walks the tree once, compares it with the archive's names, and appends what happened as one operation: files and directories that were renamed or moved (files are recognised by inode, without reading them), removed, added or replaced, and attributes that were changed. New files are stored, and become read-only links to their contents.

Bytes that were changed through a link to a stored content are damage: they are reported with every name of the content, and never adopted. So are objects whose files were exchanged or replaced in the hash tree: a file in the tree is the content that its bytes are. A name that has the right bytes in a file of its own is made a link again.

Of directories, mode and owner are adopted and times are not. Of a file whose content has several names, attributes that were changed are not adopted, because the names share them.

When more than half of the tree is gone, nothing is changed without a yes on a terminal or --yes: a disk that is not mounted must not become a mass deletion.

Exit code 3: something could not be read or done; each is listed. Exit code 4: damage.

--json prints one object: operation (null when there was nothing to do), renamed, added, removed, changed, relinked, damaged, failed and seconds; with --dry-run also steps.`;
  static override examples = [
    { description: 'After tidying up with a file manager', command: '<%= config.bin %> sync' },
    { description: 'See what would be adopted', command: '<%= config.bin %> sync --dry-run' },
    { description: 'Most of the tree was removed on purpose', command: '<%= config.bin %> sync --yes' },
  ];
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    'dry-run': Flags.boolean({
      description: 'List what would be adopted, one line a step, and change nothing.',
    }),
    yes: Flags.boolean({ description: 'Adopt also that more than half of the tree is gone.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Sync);
    await this.write(flags, async (archive, { signal, view }) => {
      const summary = await archive.sync({
        dryRun: flags['dry-run'],
        yes: flags.yes,
        ...(canAsk() ? { confirm: (plan) => confirm(plan, { yes: false }) } : {}),
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
      view.stop();
      await this.print(summary, flags, () => syncParagraph(summary));
      process.exitCode = exitCodeOf(summary);
    });
  }
}

function exitCodeOf({ damaged, failed }: SyncSummary): number {
  if (damaged.length > 0) return EXIT.damage;
  return failed.length > 0 ? EXIT.partial : EXIT.ok;
}
