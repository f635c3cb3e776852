import { BaseCommand } from '../cli/base-command.js';
import { statBlock } from '../cli/entry-table.js';
import { archiveFlags, atFlag } from '../cli/flags.js';
import { Args } from '../cli/oclif.js';

export default class Stat extends BaseCommand {
  static override summary = 'Show all about a path, a content or an inode.';
  static override description = `TARGET is a path inside the archive, a hash or its first digits (at least four), or ino:N for the content that has this inode in the archive.

Shown are the content's hash, size and inodes, every path that names it, the paths that named it before, when it was first stored when its bytes were last read and found right, and its copies at remotes: stored (sent there, and not read there since), verified, damaged or missing. A path that looks like a hash is meant when written with a leading slash.

--json prints one object: hash, size, inodes, links, paths, pastPaths, firstStored, lastVerified, copies (remote, state and verified) and, for a path, entry.`;
  static override examples = [
    {
      description: 'A file, and where else its content is',
      command: '<%= config.bin %> stat photos/2019/beach.jpg',
    },
    { description: 'A content by the beginning of its hash', command: '<%= config.bin %> stat 9f86d081' },
    {
      description: 'What an inode of the tree holds',
      command: '<%= config.bin %> stat ino:$(stat -c %i photos/2019/beach.jpg)',
    },
  ];
  static override args = {
    target: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'A path, a hash or its first digits, or ino:N.',
    }),
  };
  static override flags = { ...archiveFlags, ...atFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Stat);
    await this.read(flags, async (reader) => {
      const row = await reader.stat(this.target(reader, args.target), { at: flags.at });
      await this.print(row, flags, () => statBlock(row));
    });
  }
}
