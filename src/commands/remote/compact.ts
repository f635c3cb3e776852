import { BaseCommand } from '../../cli/base-command.js';
import { archiveFlags, progressFlag } from '../../cli/flags.js';
import { Args, Flags } from '../../cli/oclif.js';
import { compactParagraph } from '../../cli/remote-summaries.js';

export default class RemoteCompact extends BaseCommand {
  static override summary = 'Merge small log segments of a remote.';
  static override description = `Each backup adds a log segment. This merges them, after the remote's log was found to be the beginning of this archive's: merged segments are written first, then those that they replace are removed, and the marks of finished backups with them. Contents and checkpoints stay.

It is the only command that removes anything at a remote: it needs the right to. A clone or a pull at the same time may have to be run again.

--json prints one object: remote, url, before and after (log segments), made, removed and seconds.`;
  static override examples = [
    { description: 'Once in a while', command: '<%= config.bin %> remote compact usb' },
    { description: 'See what it would do', command: '<%= config.bin %> remote compact usb --dry-run' },
  ];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'A remote; see remote ls.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    'dry-run': Flags.boolean({ description: 'Say what would be done, and do nothing.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RemoteCompact);
    await this.write(flags, async (archive, { view }) => {
      const summary = await archive.compactRemote({ remote: args.name, dryRun: flags['dry-run'] });
      view.stop();
      await this.print(summary, flags, () => compactParagraph(summary));
    });
  }
}
