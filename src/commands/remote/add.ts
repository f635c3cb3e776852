import { BaseCommand } from '../../cli/base-command.js';
import { archiveFlags, progressFlag } from '../../cli/flags.js';
import { Args } from '../../cli/oclif.js';
import { remoteAddedText } from '../../cli/remote-words.js';

export default class RemoteAdd extends BaseCommand {
  static override summary = 'Add a place for backups.';
  static override description = `URL is one of

- a directory, on another disk or anything that is mounted: /mnt/usb/backup, ./backup or file:///mnt/usb/backup. It is made where there is none;
- a bucket of an S3 server: s3://BUCKET/PREFIX, with ?endpoint=URL for any server but Amazon's, and if need be &region=NAME, &pathStyle=false, &profile=NAME, &credentials=FILE;
- the file of a bundle, to read from.

The keys for S3 come from the file that is named, from the profile of ~/.aws/credentials that is named, from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the default profile. They are never logged, and a URL with keys in it is refused. An endpoint that the environment names (AWS_ENDPOINT_URL, S3_ENDPOINT) is written into the URL.

The place is looked at before anything is added: that it is reached and may be written to; that it is a remote of a format that this hkfs knows, or made one (hkfs-remote.json); and that it keeps what is there rather than overwrite it, about which a server that does not is told of. Many archives may share one remote.

--json prints one object: operation, name, kind, url and conditionalWrites (null for a bundle).`;
  static override examples = [
    { description: 'Another disk', command: '<%= config.bin %> remote add usb /mnt/usb/hkfs' },
    {
      description: 'A server of your own',
      command: "<%= config.bin %> remote add office 's3://backups/home?endpoint=https://s3.office.example'",
    },
    {
      description: 'Amazon, with the keys of a profile',
      command: "<%= config.bin %> remote add cloud 's3://my-backups?region=eu-central-1&profile=backup'",
    },
  ];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'What it is to be called.' }),
    url: Args.string({ required: true, ignoreStdin: true, description: 'Where it is.' }),
  };
  static override flags = { ...archiveFlags, ...progressFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RemoteAdd);
    await this.write(flags, async (archive, { view }) => {
      const summary = await archive.addRemote({ ...args, onMessage: view.message });
      view.stop();
      await this.print(summary, flags, () => remoteAddedText(summary));
    });
  }
}
