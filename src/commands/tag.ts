import { BaseCommand } from '../cli/base-command.js';
import { TAG_COLUMNS, tagText } from '../cli/change-words.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';

export default class Tag extends BaseCommand {
  static override summary = 'Name a moment, or list the names.';
  static override description = `A tag stands for a moment wherever one is asked for: --at tag:NAME. Without MOMENT it is the newest one. Without NAME all tags are listed.

A tag that is there already is given to another moment only with --force; the log keeps what it meant before.

--json prints one object: tag, position and time; of a listing one a row.`;
  static override examples = [
    { description: 'Before something daring', command: '<%= config.bin %> tag before-cleanup' },
    { description: 'A moment of the past', command: '<%= config.bin %> tag last-year 2025-12-31T23:59' },
    { description: 'Look back', command: '<%= config.bin %> ls --at tag:before-cleanup' },
    { description: 'All tags', command: '<%= config.bin %> tag' },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'The tag. Without it: list all.' }),
    moment: Args.string({
      ignoreStdin: true,
      description: '@1234, op:12, tag:NAME, an ISO time, or a phrase such as "2 days ago".',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    force: Flags.boolean({ char: 'f', description: 'Take the tag from another moment.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Tag);
    const { name, moment } = args;
    if (name === undefined)
      return this.read(flags, async (reader) => void (await this.list(reader.tags(), flags, TAG_COLUMNS)));
    await this.write(flags, async (archive, { view }) => {
      const row = await archive.tag({ name, at: moment, force: flags.force });
      view.stop();
      await this.print(row, flags, () => tagText(row));
    });
  }
}
