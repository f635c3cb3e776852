import { BaseCommand } from '../../cli/base-command.js';
import { archiveFlags, progressFlag } from '../../cli/flags.js';
import { Args, Flags } from '../../cli/oclif.js';
import { bundleParagraph } from '../../cli/remote-summaries.js';
import { EXIT } from '../../errors.js';

export default class BundleCreate extends BaseCommand {
  static override summary = 'Write the archive, or what is new in it, into one file.';
  static override description = `A bundle is a remote in a single self-contained file, to carry by hand: it has the log, the contents and a signed checkpoint. hkfs clone FILE DIR makes an archive of a whole one; one with --since is for a clone that has all before it, which takes it with hkfs bundle apply.

HEAD is SIZE:ROOT as \`hkfs head\` writes it with a colon between, only SIZE, @POSITION, or a file with a signed head. The bundle is whole or not there: it gets its name last. It is not encrypted.

--json prints one object: file, since, size and root of the head that it brings, events, objects, bytes, segments, damaged and seconds.`;
  static override examples = [
    { description: 'Everything', command: '<%= config.bin %> bundle create /mnt/stick/all.hkfs' },
    {
      description: 'What a clone with 1200 events lacks',
      command: '<%= config.bin %> bundle create /mnt/stick/new.hkfs --since 1200',
    },
  ];
  static override args = {
    file: Args.string({ required: true, ignoreStdin: true, description: 'A new file.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    since: Flags.string({ helpValue: 'HEAD', description: 'Only what came after this head.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleCreate);
    const { readSince } = await import('../../archive/proof-files.js');
    const since = flags.since === undefined ? undefined : readSince(flags.since);
    await this.write(flags, async (archive, { signal, view }) => {
      const { update: onProgress, message: onMessage } = view;
      const options = { file: args.file, since, onProgress, onMessage, signal };
      const summary = await archive.createBundle(options);
      view.stop();
      await this.print(summary, flags, () => bundleParagraph(summary));
      if (summary.damaged.length > 0) process.exitCode = EXIT.damage;
    });
  }
}
