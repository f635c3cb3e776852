import type { UniqueRow } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, atFlag, nullFlag } from '../cli/flags.js';
import { formatBytes, plural } from '../cli/format.js';
import { Args, Flags } from '../cli/oclif.js';
import type { Column } from '../cli/table.js';
import { visibleName } from '../cli/visible-name.js';

const COLUMNS: readonly Column<UniqueRow>[] = [
  { header: 'size', text: ({ size }) => formatBytes(size), right: true },
  { header: 'path', text: ({ path }) => visibleName(path) },
];

export default class Unique extends BaseCommand {
  static override summary = 'List the files whose content is nowhere else.';
  static override description = `Lists the files at or below PATH whose content has no name outside of PATH: what would be missed if PATH were removed. Two names of one content below PATH are both listed. Empty files are never listed: there is nothing to miss.

With --than OTHER, elsewhere is only below OTHER: what is not in the folder that is to stay? Where one of the two lies in the other, the inner one is left out of the outer one.

--json prints one row per file: path, hash and size.`;
  static override examples = [
    { description: 'What is only on the USB stick?', command: '<%= config.bin %> unique usb-stick' },
    {
      description: 'What of the old laptop is not in the photo folder?',
      command: '<%= config.bin %> unique old-laptop --than photos',
    },
    {
      description: 'Save it elsewhere',
      command: '<%= config.bin %> unique usb-stick -0 | xargs -0r <%= config.bin %> restore --to rescued',
    },
  ];
  static override args = {
    path: Args.string({ ignoreStdin: true, required: true, description: 'A path inside the archive.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...nullFlag,
    than: Flags.string({
      helpValue: 'OTHER',
      description: 'Only what has no name below this directory of the archive.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Unique);
    const { at } = flags;
    await this.read(flags, async (reader) => {
      const than = flags.than === undefined ? undefined : this.inside(reader, flags.than);
      let bytes = 0;
      const counted = async function* (rows: AsyncIterable<UniqueRow>): AsyncGenerator<UniqueRow> {
        for await (const row of rows) {
          bytes += row.size;
          yield row;
        }
      };
      const rows = counted(reader.unique(this.inside(reader, args.path), { at, than }));
      const files = await this.list(rows, flags, COLUMNS);
      if (!flags.json && !flags.null) this.say(`${plural(files, 'file')}, ${formatBytes(bytes)}.`);
    });
  }
}
