import { BaseCommand } from '../cli/base-command.js';
import { ENTRY_COLUMNS } from '../cli/entry-table.js';
import { archiveFlags, atFlag, nullFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';

export default class Ls extends BaseCommand {
  static override summary = 'List entries.';
  static override description = `Lists what is in a directory of the archive, or the entry itself when PATH is no directory, sorted by the bytes of the names. The answer comes from the log, not from the tree on disk, so that --at can show any moment.

Names with control characters, and bytes that are not UTF-8, are shown escaped as ls -b does; --null and --json lose nothing.

--json prints one row per entry: path, kind, size, hash, mode, uid, gid, user, group, mtimeNs (nanoseconds since 1970, as text), target and xattrs (name to base64).`;
  static override examples = [
    { description: 'The root of the archive', command: '<%= config.bin %> ls' },
    { description: 'Everything below a path', command: '<%= config.bin %> ls photos/2019 -R' },
    { description: 'As it was', command: "<%= config.bin %> ls documents --at '2 days ago'" },
    {
      description: 'The largest ten files',
      command:
        '<%= config.bin %> ls -R --json | jq -r \'select(.kind=="file")|"\\(.size) \\(.path)"\' | sort -rn | head',
    },
  ];
  static override args = {
    path: Args.string({ ignoreStdin: true, description: 'A path inside the archive. Default: its root.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...nullFlag,
    recursive: Flags.boolean({
      char: 'R',
      description: 'Also list what is in the directories, to any depth.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ls);
    const { at, recursive } = flags;
    await this.read(flags, async (reader) => {
      await this.list(reader.ls(this.inside(reader, args.path), { at, recursive }), flags, ENTRY_COLUMNS);
    });
  }
}
