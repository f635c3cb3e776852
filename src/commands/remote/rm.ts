import { BaseCommand } from '../../cli/base-command.js';
import { archiveFlags, progressFlag } from '../../cli/flags.js';
import { Args } from '../../cli/oclif.js';
import { remoteRemovedText } from '../../cli/remote-words.js';

export default class RemoteRm extends BaseCommand {
  static override summary = 'Forget a place for backups.';
  static override description = `The archive forgets the name. Nothing at the remote is touched, and the backups there stay good: hkfs clone restores them, and remote add makes the place known again.

--json prints one object: operation, name and url.`;
  static override examples = [
    { description: 'A disk that was given away', command: '<%= config.bin %> remote rm usb' },
    {
      description: 'Under another name',
      command: '<%= config.bin %> remote rm usb && <%= config.bin %> remote add old-usb /mnt/usb/hkfs',
    },
  ];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'A remote; see remote ls.' }),
  };
  static override flags = { ...archiveFlags, ...progressFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RemoteRm);
    await this.write(flags, async (archive, { view }) => {
      const summary = await archive.removeRemote(args.name);
      view.stop();
      await this.print(summary, flags, () => remoteRemovedText(summary));
    });
  }
}
