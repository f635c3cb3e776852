import { BaseCommand } from '../cli/base-command.js';
import { backupParagraph } from '../cli/remote-summaries.js';
import { archiveFlags, bytesFlag, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { EXIT } from '../errors.js';

export default class Backup extends BaseCommand {
  static override summary = 'Send what is new to a remote.';
  static override description = `Sends the contents that are new since the last backup, then the events that name them, then a signed checkpoint that covers both: so what a checkpoint at the remote says is complete there. What is new follows from the log, and nothing is compared: the time that a backup takes depends on what changed, not on the size of the archive.

Nothing at the remote is ever overwritten or removed: rights to create and to read are enough. Run again after a kill or a lost connection, it goes on, and does not send again what has arrived. When nothing is new, nothing is written, here or there.

The remote's newest checkpoint has to be signed by this archive's key and to be of a log that is the beginning of this one. Else the remote is refused (REMOTE_DIVERGED, with the position at which the logs part): another copy of this archive went on and backed up there, or this one was brought back from an earlier state. A remote that has lost files or was rolled back is refused as well, unless --mend is given: that lists what the remote has and sends again all that is missing.

What the log knows that the remote lacks is no news, and goes all the same: what a check of its copies found missing there is sent again, and so is what was damaged here when it was to be sent. What is damaged there has to be removed first, which a backup does not: it is told each time, with exit code 4, until verify --remote NAME --heal has mended it.

Contents are hashed on their way. Of one that is damaged here another copy goes (a twin, or a name in the tree that is a file of its own), with a warning; where there is none it is not sent, but told, with exit code 4, and recorded. All else is backed up.

--json prints one object: remote, url, operation (null when nothing was new), size and root of what the remote has now, events, objects, bytes and segments that were sent, damaged, upToDate and seconds.`;
  static override examples = [
    { description: 'Back up to the remote usb', command: '<%= config.bin %> backup usb' },
    { description: 'See what would be sent', command: '<%= config.bin %> backup usb --dry-run' },
    {
      description: 'Over a slow line, compressed',
      command: '<%= config.bin %> backup cloud --limit-rate 2M --compress',
    },
    {
      description: 'Send again what the remote has lost',
      command: '<%= config.bin %> backup usb --mend',
    },
  ];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'A remote; see remote ls.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    'dry-run': Flags.boolean({ description: 'Say what would be sent, and send nothing.' }),
    'limit-rate': bytesFlag({ description: 'Send at most this many bytes a second, on average.' }),
    compress: Flags.boolean({ description: 'Send contents as zstd where that is smaller.' }),
    mend: Flags.boolean({ description: 'Look for all that the remote has lost, and send it again.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Backup);
    const { compress, mend } = flags;
    await this.write(flags, async (archive, { signal, view }) => {
      const summary = await archive.backup({
        remote: args.name,
        dryRun: flags['dry-run'],
        limitRate: flags['limit-rate'],
        compress,
        mend,
        onProgress: view.update,
        onMessage: view.message,
        signal,
      });
      view.stop();
      await this.print(summary, flags, () => backupParagraph(summary));
      if (summary.damaged.length > 0) process.exitCode = EXIT.damage;
    });
  }
}
