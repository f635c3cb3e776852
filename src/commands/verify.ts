import type { VerifySummary } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, durationFlag, progressFlag } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';
import { verifyParagraph } from '../cli/summaries.js';
import { EXIT } from '../errors.js';

export default class Verify extends BaseCommand {
  static override summary = 'Check contents, tree and views against the log.';
  static override description = `Reads objects and compares them with their hashes, those longest unverified first; compares the tree with the hash tree; and checks that the fingerprint (Merkle root) of every commit of the log follows from its events, and that the views have seen them all. (replay --check compares the views themselves, row by row.) What was read and found right is remembered, so that repeated runs with --budget go round the whole archive.

Spans of time are written 90s, 10m, 12h, 30d, 2w or 1y.

With --quick the names, sizes and links of all objects and of the tree are looked at; contents are read only where an inode was touched since it was last known to be good, or was found damaged before; the log is not checked.

Exit code 4: contents are damaged or missing, or the log's fingerprints do not fit. Exit code 1: the contents are sound, but the tree has entries that are no links to their objects, or files that no event names.

--json prints one object: operation, objects, bytes, damaged, missing, unlinked, untracked, views, remaining and seconds.`;
  static override examples = [
    { description: 'Read everything', command: '<%= config.bin %> verify' },
    {
      description: 'Names, sizes and links, and the contents of what was touched',
      command: '<%= config.bin %> verify --quick',
    },
    {
      description: 'Every night for two hours',
      command: '<%= config.bin %> verify --older-than 30d --budget 2h',
    },
  ];
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    quick: Flags.boolean({
      description:
        'Look at names, sizes and links; read only contents whose inode was touched, and not the log.',
    }),
    'older-than': durationFlag({
      description: 'Only objects that were last verified, or stored, longer ago than T.',
    }),
    budget: durationFlag({ description: 'Stop after reading for about T.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Verify);
    const { quick, budget, 'older-than': age } = flags;
    await this.write(flags, async (archive, { signal, view }) => {
      const summary = await archive.verify({
        quick,
        olderThanMs: age === undefined ? undefined : Date.now() - age,
        budgetSeconds: budget === undefined ? undefined : budget / 1000,
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
      view.stop();
      await this.print(summary, flags, () => verifyParagraph(summary));
      process.exitCode = signal.aborted ? EXIT.interrupted : exitCodeOf(summary);
    });
  }
}

function exitCodeOf({ damaged, missing, views, unlinked, untracked }: VerifySummary): number {
  if (damaged.length + missing.length + views.length > 0) return EXIT.damage;
  return unlinked.length + untracked.length > 0 ? EXIT.no : EXIT.ok;
}
