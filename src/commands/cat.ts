import type { Message } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, atFlag, bytesFlag } from '../cli/flags.js';
import { Args } from '../cli/oclif.js';
import { renderMessage } from '../cli/progress.js';

export default class Cat extends BaseCommand {
  static override summary = 'Write the bytes of a file to stdout.';
  static override description = `TARGET is a path inside the archive, a hash or its first digits, or ino:N. The bytes come from the hash tree, also for a path that is gone from the tree and is named by --at.

What goes out is checked against the hash that names it: up to 8 MiB before the first byte, and of more the last mebibyte is held back until all was hashed. A damaged copy is left for another (a twin, a name in the tree that is a file of its own, or where a clone comes from), which a warning tells; where there is none, the output is not complete and the exit code is 4.

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
    const { handOut } = await import('../archive/hand-out.js');
    await this.read(flags, (reader) => {
      const onMessage = (message: Message): void => this.say(renderMessage('plain', message).trimEnd());
      return this.pipe(handOut(reader, this.target(reader, args.target), { at, offset, length, onMessage }));
    });
  }
}
