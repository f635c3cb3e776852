import type { CopiesRow } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, nullFlag } from '../cli/flags.js';
import { formatBytes, plural } from '../cli/format.js';
import { Args, Flags } from '../cli/oclif.js';
import type { Column } from '../cli/table.js';
import { visibleName } from '../cli/visible-name.js';

const COLUMNS: readonly Column<CopiesRow>[] = [
  { header: 'copies', text: (row) => plural(row.copies, 'copy', 'copies'), right: true },
  { header: 'size', text: (row) => formatBytes(row.size), right: true },
  { header: 'path', text: (row) => visibleName(row.path) },
];

export default class Copies extends BaseCommand {
  static override summary = 'List files by how many copies of their contents there are.';
  static override description = `A copy is the archive's own, unless a check found it damaged or missing, and one at each remote to which it was backed up, unless the last verify --remote found it damaged or missing there. Whether a remote still exists is not asked: verify --remote does.

--min N lists only what has fewer than N copies. Empty files have no content, and are left out.

--json prints a row for each file: path, hash, size and copies.`;
  static override examples = [
    { description: 'What would be lost with this disk', command: '<%= config.bin %> copies --min 2' },
    {
      description: 'Photos that are not in two other places',
      command: '<%= config.bin %> copies photos --min 3',
    },
  ];
  static override args = {
    path: Args.string({ ignoreStdin: true, description: 'Where to look. Default: the whole archive.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...nullFlag,
    min: Flags.integer({ min: 1, helpValue: 'N', description: 'Only files with fewer than N copies.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Copies);
    const { min } = flags;
    await this.read(flags, async (reader) => {
      const path = this.inside(reader, args.path);
      await this.list(reader.copies({ path, ...(min === undefined ? {} : { min }) }), flags, COLUMNS);
    });
  }
}
