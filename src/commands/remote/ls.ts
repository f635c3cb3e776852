import { BaseCommand } from '../../cli/base-command.js';
import { archiveFlags } from '../../cli/flags.js';
import { remoteColumns } from '../../cli/remote-words.js';

export default class RemoteLs extends BaseCommand {
  static override summary = 'List the places for backups.';
  static override description = `What the log knows of the remotes: nothing is asked of them. The last backup says how many events of the log are there, with all contents that these name.

--json prints one row a remote: name, kind (directory, s3 or bundle), url, added, and lastBackup (size, root and time; null before the first).`;
  static override examples = [
    { description: 'All remotes', command: '<%= config.bin %> remote ls' },
    {
      description: 'Those without a backup',
      command: "<%= config.bin %> remote ls --json | jq -r 'select(.lastBackup==null).name'",
    },
  ];
  static override flags = { ...archiveFlags };

  async run(): Promise<void> {
    const { flags } = await this.parse(RemoteLs);
    await this.read(flags, async (reader) => {
      await this.list(reader.remotes(), flags, remoteColumns(Date.now()));
    });
  }
}
