import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Args } from '../cli/oclif.js';
import { exitCodeOfLost } from '../cli/exit-code.js';
import { pullParagraph } from '../cli/remote-summaries.js';

export default class Pull extends BaseCommand {
  static override summary = 'Bring a clone up to date.';
  static override description = `Fetches what the archive has sent to the remote since: new contents first, then the log, checked against the signed checkpoint, then views and tree follow. A catalogue gets the log only.

A clone that has events of its own (it was ingested into, renamed in, and so on) has become another history and does not follow any more: REMOTE_DIVERGED says from which position on. Verifying a clone adds no events.

--json prints one object: url, size and root afterwards, events, objects, bytes, damaged, missing, upToDate and seconds.`;
  static override examples = [
    { description: 'Follow the remote that this was cloned from', command: '<%= config.bin %> pull' },
    { description: 'Follow another one', command: '<%= config.bin %> pull /mnt/other/backup' },
  ];
  static override args = {
    url: Args.string({
      ignoreStdin: true,
      description: "A remote's URL, or a bundle. Default: where the clone came from.",
    }),
  };
  static override flags = { ...archiveFlags, ...progressFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Pull);
    await this.write(flags, async (archive, { signal, view }) => {
      const { update: onProgress, message: onMessage } = view;
      const summary = await archive.pull({ url: args.url, onProgress, onMessage, signal });
      view.stop();
      await this.print(summary, flags, () => pullParagraph(summary));
      process.exitCode = exitCodeOfLost(summary);
    });
  }
}
