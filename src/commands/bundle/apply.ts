import { BaseCommand } from '../../cli/base-command.js';
import { archiveFlags, progressFlag } from '../../cli/flags.js';
import { Args } from '../../cli/oclif.js';
import { exitCodeOfLost } from '../../cli/exit-code.js';
import { pullParagraph } from '../../cli/remote-summaries.js';

export default class BundleApply extends BaseCommand {
  static override summary = 'Bring a clone up to date from a bundle.';
  static override description = `The bundle has to be of the same archive, signed by its key, and to begin at or before this clone's head: BUNDLE_GAP says which head it needs. A clone that has events of its own does not take others (REMOTE_DIVERGED).

--json prints one object as pull does.`;
  static override examples = [
    {
      description: 'What was carried here on a stick',
      command: '<%= config.bin %> bundle apply /mnt/stick/new.hkfs',
    },
    {
      description: 'What is missing when it does not fit',
      command: '<%= config.bin %> head -a ~/clone',
    },
  ];
  static override args = {
    file: Args.string({ required: true, ignoreStdin: true, description: 'A bundle.' }),
  };
  static override flags = { ...archiveFlags, ...progressFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleApply);
    await this.write(flags, async (archive, { signal, view }) => {
      const { update: onProgress, message: onMessage } = view;
      const summary = await archive.pull({ url: args.file, onProgress, onMessage, signal });
      view.stop();
      await this.print(summary, flags, () => pullParagraph(summary));
      process.exitCode = exitCodeOfLost(summary);
    });
  }
}
