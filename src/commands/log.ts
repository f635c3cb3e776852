import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags } from '../cli/flags.js';
import { describeEvent } from '../cli/log-words.js';
import { Args, Flags } from '../cli/oclif.js';

export default class Log extends BaseCommand {
  static override summary = 'Show the events of the archive.';
  static override description = `The log is the history: every change is an event that is never altered, in the order of positions. With PATH only events about this path, or about what is or was below it.

--json prints one row per event: position, time, operation, type and data (the fields of the event, with paths written out).`;
  static override examples = [
    { description: 'Everything, oldest first', command: '<%= config.bin %> log | less' },
    { description: 'What happened to a file', command: '<%= config.bin %> log photos/2019/beach.jpg' },
    { description: 'What one operation did', command: '<%= config.bin %> log --op 12' },
    {
      description: 'A hundred events from a position on',
      command: '<%= config.bin %> log --from 5000 --limit 100 --json',
    },
  ];
  static override args = {
    path: Args.string({ ignoreStdin: true, description: 'Only events about this path or what is below it.' }),
  };
  static override flags = {
    ...archiveFlags,
    op: Flags.integer({ min: 0, helpValue: 'N', description: 'Only events of this operation.' }),
    from: Flags.integer({ min: 0, helpValue: 'P', description: 'Begin at this position.' }),
    limit: Flags.integer({ min: 0, helpValue: 'N', description: 'Show at most this many events.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Log);
    const { op: operation, from, limit } = flags;
    await this.read(flags, async (reader) => {
      const path = args.path === undefined ? undefined : this.inside(reader, args.path);
      await this.list(reader.log({ path, operation, from, limit }), flags, describeEvent);
    });
  }
}
