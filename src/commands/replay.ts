import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';
import { replayParagraph } from '../cli/summaries.js';
import { EXIT } from '../errors.js';

export default class Replay extends BaseCommand {
  static override summary = 'Rebuild the views from the log.';
  static override description = `The views are the indexes below .hkfs/views that answer queries. They hold nothing that the log does not say: this command drops them and folds the log again. With --check the present ones are kept and compared, byte for byte, with what the log says; exit code 4 when they differ.

--json prints one object: events, seconds, equal (null without --check) and differences.`;
  static override examples = [
    { description: 'Rebuild', command: '<%= config.bin %> replay' },
    { description: 'Are the views right?', command: '<%= config.bin %> replay --check' },
  ];
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    check: Flags.boolean({ description: 'Compare, and leave the views as they are.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Replay);
    await this.write({ ...flags, forReplay: !flags.check }, async (archive, { view }) => {
      const summary = await archive.replay({ check: flags.check });
      view.stop();
      await this.print(summary, flags, () => replayParagraph(summary));
      if (summary.equal === false) process.exitCode = EXIT.damage;
    });
  }
}
