import type { ArchiveReader, OperationRow } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags } from '../cli/flags.js';
import { describeEvent, eventBlock, operationBlock } from '../cli/log-words.js';
import { Args, Flags } from '../cli/oclif.js';
import { HkfsError } from '../errors.js';

export default class Show extends BaseCommand {
  static override summary = 'Show one operation or one event in full.';
  static override description = `TARGET is the number of an operation (12 or op:12), or the position of an event (@1234).

Of an operation: its command, who ran it and where, when it started and ended, its counts, the number of its events by type, and the first 20 of them in words; --all shows all of them. Of an event: every field.

--json prints one object. Of an operation: the fields of ops, types (event type to count) and events (rows of log, the first 20 or all). Of an event: the row of log.`;
  static override examples = [
    { description: 'An operation', command: '<%= config.bin %> show 12' },
    { description: 'All that it did', command: '<%= config.bin %> show 12 --all | less' },
    { description: 'An event', command: '<%= config.bin %> show @1234' },
  ];
  static override args = {
    target: Args.string({ required: true, ignoreStdin: true, description: 'N or op:N, or @POSITION.' }),
  };
  static override flags = {
    ...archiveFlags,
    all: Flags.boolean({ description: 'Show all events of the operation.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Show);
    const target = parseTarget(args.target);
    await this.read(flags, (reader) =>
      'operation' in target
        ? this.showOperation(reader, target.operation, flags)
        : this.showEvent(reader, target.position, flags),
    );
  }

  private async showOperation(
    reader: ArchiveReader,
    operation: number,
    flags: { json: boolean; all: boolean },
  ): Promise<void> {
    // For people the events of a long operation come one by one, and are never all in memory.
    const limit = flags.all ? (flags.json ? Number.MAX_SAFE_INTEGER : 0) : undefined;
    const row = await reader.show(operation, { limit });
    await this.print(row, flags, () => operationBlock(row, { restFollows: flags.all }));
    if (flags.all && !flags.json) await this.list(reader.log({ operation }), flags, describeEvent);
  }

  private async showEvent(reader: ArchiveReader, position: number, flags: { json: boolean }): Promise<void> {
    await reader.resolveMoment(`@${position}`); // says where the log ends
    for await (const row of reader.log({ from: position, limit: 1 })) {
      const operation = await operationOf(reader, row.operation);
      await this.print(row, flags, () => eventBlock(row, operation));
    }
  }
}

async function operationOf(reader: ArchiveReader, operation: number): Promise<OperationRow | null> {
  for await (const row of reader.ops({ operation })) return row;
  return null;
}

function parseTarget(text: string): { operation: number } | { position: number } {
  const number = Number(text.replace(/^(op:|@)/, ''));
  if (/^(op:)?\d{1,15}$/.test(text)) return { operation: number };
  if (/^@\d{1,15}$/.test(text)) return { position: number };
  throw new HkfsError('BAD_TARGET', `${JSON.stringify(text)} is no operation and no event`, {
    hint: 'write the number of an operation (12 or op:12), or the position of an event (@1234)',
  });
}
