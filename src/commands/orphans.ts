import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, atFlag } from '../cli/flags.js';
import { ORPHAN_COLUMNS } from '../cli/prune-words.js';

export default class Orphans extends BaseCommand {
  static override summary = 'List objects that no entry names.';
  static override description = `Contents stay in the archive when their last name is removed: history keeps them, and undo and restore need them. This lists those that nothing in the tree names, with the last path that they had and since when they have had none; gc deletes them.

--json prints rows: hash, size, lastPath (null for an object that never had a name) and since (ISO time).`;
  static override examples = [
    { description: 'What only history keeps', command: '<%= config.bin %> orphans' },
    {
      description: 'How many bytes that is',
      command: "<%= config.bin %> orphans --json | jq -s 'map(.size) | add'",
    },
    { description: 'One of them back', command: '<%= config.bin %> cat 9f86d081 > letter.txt' },
  ];
  static override flags = { ...archiveFlags, ...atFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(Orphans);
    const { at } = flags;
    await this.read(flags, async (reader) => {
      await this.list(reader.orphans({ at }), flags, ORPHAN_COLUMNS);
    });
  }
}
