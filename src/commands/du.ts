import { BaseCommand } from '../cli/base-command.js';
import { barLines, showsBars } from '../cli/bars.js';
import { DU_COLUMNS } from '../cli/entry-table.js';
import { archiveFlags, atFlag, nullFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';

export default class Du extends BaseCommand {
  static override summary = 'Sum up apparent, unique and shared bytes.';
  static override description = `For PATH, and with --depth for the directories below it: the sum of the sizes of all files (what a plain copy would take), the bytes of contents that are named nowhere else in the archive (what removing the path could free), and the bytes of contents that are named elsewhere as well. A content counts once among the unique and shared bytes, whatever the number of its names: the rest of the bytes are repetitions inside of the path.

On a terminal, bars show the same, the largest directories first.

--json prints one row per directory: path, bytes, uniqueBytes, sharedBytes and files.`;
  static override examples = [
    { description: 'The whole archive', command: '<%= config.bin %> du' },
    { description: 'What each folder would free', command: '<%= config.bin %> du machines --depth 1' },
    { description: 'As of a tag', command: '<%= config.bin %> du photos --at tag:before-cleanup --json' },
  ];
  static override args = {
    path: Args.string({ ignoreStdin: true, description: 'A path inside the archive. Default: its root.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...nullFlag,
    depth: Flags.integer({
      min: 0,
      helpValue: 'N',
      description: 'Also sum up the directories N levels below PATH. Default: 0; on a terminal 2.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Du);
    const bars = showsBars(process.stdout, flags);
    const { at, depth = bars ? 2 : 0 } = flags;
    await this.read(flags, async (reader) => {
      const rows = reader.du(this.inside(reader, args.path), { at, depth });
      if (bars) await this.lines(barLines(rows, process.stdout.columns || 80));
      else await this.list(rows, flags, DU_COLUMNS);
    });
  }
}
