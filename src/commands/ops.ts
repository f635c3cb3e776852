import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags } from '../cli/flags.js';
import { describeOperation } from '../cli/log-words.js';

export default class Ops extends BaseCommand {
  static override summary = 'Show the operations of the archive.';
  static override description = `An operation is one command that changed the archive. Each has a number, which op:N names wherever a moment is asked for, and which log --op and show take. One line each: number, when, by whom, the command, what it did.

--json prints one row per operation: operation, status (running, completed, failed or interrupted), command, args, user, host, sources, started, ended, first and last (positions), counts and reason.`;
  static override examples = [
    { description: 'All operations', command: '<%= config.bin %> ops' },
    {
      description: 'Those that did not complete',
      command: '<%= config.bin %> ops --json | jq \'select(.status!="completed")\'',
    },
    { description: 'The archive as it was after one', command: '<%= config.bin %> ls --at op:7' },
  ];
  static override flags = { ...archiveFlags };

  async run(): Promise<void> {
    const { flags } = await this.parse(Ops);
    const now = Date.now();
    await this.read(flags, async (reader) => {
      await this.list(reader.ops(), flags, (row) => describeOperation(row, now));
    });
  }
}
