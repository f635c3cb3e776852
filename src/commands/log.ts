import type { ArchiveReader, OperationRow } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags } from '../cli/flags.js';
import { describeEvent, eventLines } from '../cli/log-words.js';
import { Args, Flags } from '../cli/oclif.js';

export default class Log extends BaseCommand {
  static override summary = 'Show the events of the archive.';
  static override description = `The log is the history: every change is an event that is never altered, in the order of positions. Each operation has a line of its own (when, by whom, with which command, what it did), and its events stand below it in words.

With PATH only the events about what stands or ever stood there: it is followed back through its renames, those of the directories above it included, to where it came from, and forward until it left the path. Of a directory, also what happened below it. The answer comes from an index and not from a search.

With --limit, and without --from, the newest events are shown, oldest of them first.

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
      const rows = reader.log({ path, operation, from, limit });
      if (flags.json) await this.list(rows, flags, describeEvent);
      else await this.lines(eventLines(rows, (number) => operationOf(reader, number), Date.now()));
    });
  }
}

async function operationOf(reader: ArchiveReader, operation: number): Promise<OperationRow | null> {
  for await (const row of reader.ops({ operation })) return row;
  return null;
}
