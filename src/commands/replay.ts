import { BaseCommand } from '../cli/base-command.js';
import { exitCodeOfFailures } from '../cli/exit-code.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';
import { materializeParagraph, replayParagraph } from '../cli/summaries.js';
import { EXIT } from '../errors.js';

export default class Replay extends BaseCommand {
  static override summary = 'Rebuild the views from the log.';
  static override description = `The views are the indexes below .hkfs/views that answer queries. They hold nothing that the log does not say: this command drops them and folds the log again. With --check the present ones are kept and compared, byte for byte, with what the log says; exit code 4 when they differ. Both also recompute the Merkle tree: exit code 4, naming the position, where the root of a commit does not follow from its events.

--to with --into changes no views: it makes the tree as it was at MOMENT in an empty directory DIR, as hard links to the objects; as restore --link does, it is instant and read-only. Exit code 3 when something could not be made, 4 when bytes are missing.

--json prints one object: events, seconds, equal (null for a plain replay) and differences; with --into also files and failed.`;
  static override examples = [
    { description: 'Rebuild', command: '<%= config.bin %> replay' },
    { description: 'Are the views right?', command: '<%= config.bin %> replay --check' },
    {
      description: 'The tree as it was, beside the archive',
      command: "<%= config.bin %> replay --to '2 days ago' --into /data/then",
    },
  ];
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    check: Flags.boolean({
      description: 'Compare, and leave the views as they are.',
      exclusive: ['to', 'into'],
    }),
    to: Flags.string({
      helpValue: 'MOMENT',
      description: 'The moment of the tree to make: as --at of other commands.',
      dependsOn: ['into'],
    }),
    into: Flags.string({
      helpValue: 'DIR',
      description: 'Where to make it: an empty directory on the same filesystem.',
      dependsOn: ['to'],
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Replay);
    const { to, into } = flags;
    if (to !== undefined && into !== undefined) return this.materialize(flags, { at: to, into });
    await this.write(
      { ...flags, forReplay: !flags.check, orAside: flags.check },
      async (archive, { view }) => {
        const summary = await archive.replay({ check: flags.check });
        view.stop();
        await this.print(summary, flags, () => replayParagraph(summary));
        if (summary.equal === false) process.exitCode = EXIT.damage;
      },
    );
  }

  private materialize(
    flags: { archive?: string | undefined; wait: boolean; progress: string; json: boolean },
    { at, into }: { at: string; into: string },
  ): Promise<void> {
    return this.write(flags, async (archive, { signal, view }) => {
      await this.sayMoment(archive, at);
      const work = { signal, onProgress: view.update, onMessage: view.message };
      const summary = await archive.materialize({ at, into, ...work });
      view.stop();
      await this.print(summary, flags, () => materializeParagraph(summary));
      const code = exitCodeOfFailures(summary.failed ?? []);
      process.exitCode = code === EXIT.ok && !summary.equal ? EXIT.no : code;
    });
  }
}
