import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, atFlag, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { exitCodeOfLost } from '../cli/exit-code.js';
import { fetchParagraph } from '../cli/remote-summaries.js';

export default class Fetch extends BaseCommand {
  static override summary = 'Bring contents that are not here from a remote.';
  static override description = `For a catalogue (clone --catalogue), which has names only, and for a clone whose remote lacked something: the contents of the files at and below each PATH, each checked against its hash. What is here already is not fetched. No event is appended.

\`fetch /\` makes a whole archive of a catalogue: all contents, those of the past too, and the tree.

--json prints one object: objects and bytes that came, already (objects that were here), damaged, missing and seconds.`;
  static override examples = [
    { description: 'The photos of a year', command: '<%= config.bin %> fetch photos/2019' },
    { description: 'Make a whole archive of a catalogue', command: '<%= config.bin %> fetch /' },
    {
      description: 'From another remote than the one it was cloned from',
      command: '<%= config.bin %> fetch documents --from s3://bucket/backup',
    },
  ];
  static override args = {
    path: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Paths inside the archive.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...progressFlag,
    from: Flags.string({
      helpValue: 'URL',
      description: "A remote's URL, or a bundle. Default: where the clone came from.",
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Fetch);
    const { at, from } = flags;
    await this.write(flags, async (archive, { signal, view }) => {
      const paths = args.path.map((path) => this.inside(archive, path));
      const { update: onProgress, message: onMessage } = view;
      const summary = await archive.fetch({ paths, at, url: from, onProgress, onMessage, signal });
      view.stop();
      await this.print(summary, flags, () => fetchParagraph(summary));
      process.exitCode = exitCodeOfLost(summary);
    });
  }
}
