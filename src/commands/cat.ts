import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, atFlag, bytesFlag } from '../cli/flags.js';
import { Args } from '../cli/oclif.js';

export default class Cat extends BaseCommand {
  static override summary = 'Write the bytes of a file to stdout.';
  static override description = `TARGET is a path inside the archive, a hash or its first digits, or ino:N. The bytes come from the hash tree, also for a path that is gone from the tree and is named by --at.

--offset and --length take k, M, G and T for binary units; a range beyond the end of the file gives what there is. Standard output carries the bytes and nothing else, so that there is no --json output; with --json only errors change their form.`;
  static override examples = [
    { description: 'Read a file', command: '<%= config.bin %> cat documents/letter.txt' },
    {
      description: 'A file as it was',
      command: "<%= config.bin %> cat documents/letter.txt --at '3 weeks ago'",
    },
    {
      description: 'One mebibyte from the middle',
      command: '<%= config.bin %> cat 9f86d081 --offset 2G --length 1M | xxd',
    },
  ];
  static override args = {
    target: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'A path, a hash or its first digits, or ino:N.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    offset: bytesFlag({ description: 'Skip this many bytes.' }),
    length: bytesFlag({ description: 'Write at most this many bytes.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cat);
    const { at, offset, length } = flags;
    const { readContent } = await import('../archive/content.js');
    await this.read(flags, async (reader) => {
      const target = this.target(reader, args.target);
      const location = await reader.locate(target, { at });
      if (location.hash !== null && location.files.length === 0) {
        const { fetchForCat } = await import('../archive/remote/fetch-for-cat.js');
        await fetchForCat(reader.root, { hash: location.hash, size: location.size });
        return this.pipe(readContent(await reader.locate(target, { at }), { offset, length }));
      }
      return this.pipe(readContent(location, { offset, length }));
    });
  }
}
