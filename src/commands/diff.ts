import type { ArchiveReader, Moment } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, nullFlag } from '../cli/flags.js';
import { describeDifference } from '../cli/log-words.js';
import { Args } from '../cli/oclif.js';
import { EXIT, HkfsError, isHkfsError } from '../errors.js';

const MOMENT = '@1234, op:12, tag:NAME, an ISO time or a phrase';

export default class Diff extends BaseCommand {
  static override summary = 'Show what is different between two moments.';
  static override description = `Lists the entries that differ, as git diff --name-status does: A added, D removed, R renamed, M changed content (or kind), m changed attributes only. TO is now unless it is given; it has to be given to name a PATH, and "now" will do. A PATH that was renamed may be given by either name. With FROM later than TO the changes are those that lead back.

A directory that was renamed is one line, whatever is below it; what changed below is told under its new path. Renames are those of the log. Of what else was removed and added, files of the same content count as renamed.

The cost follows the number of events between the moments, not the size of the archive.

Exit code 1 when there are differences, 0 when there are none.

--json prints one row per change: change (added, removed, renamed, changed or attributes), path, from (of renamed) and hash.`;
  static override examples = [
    {
      description: 'What happened since operation 11',
      command: '<%= config.bin %> diff op:11',
    },
    { description: 'What operation 12 did', command: '<%= config.bin %> diff op:11 op:12' },
    {
      description: 'What is new since yesterday in a folder',
      command: '<%= config.bin %> diff yesterday now photos',
    },
    {
      description: 'What was lost since a tag',
      command: '<%= config.bin %> diff tag:v1 --json | jq -r \'select(.change=="removed").path\'',
    },
  ];
  static override args = {
    from: Args.string({ required: true, ignoreStdin: true, description: `The first moment: ${MOMENT}.` }),
    to: Args.string({ ignoreStdin: true, description: 'The second moment. Default: now.' }),
    path: Args.string({ ignoreStdin: true, description: 'Only what is at or below this path.' }),
  };
  static override flags = { ...archiveFlags, ...nullFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff);
    const { from, to } = args;
    await this.read(flags, async (reader) => {
      const path = this.inside(reader, args.path);
      await this.echo(reader, from, to);
      const found = await this.list(reader.diff({ from, to, path }), flags, describeDifference);
      if (found > 0) process.exitCode = EXIT.no;
    });
  }

  private async echo(reader: ArchiveReader, from: string, to: string | undefined): Promise<void> {
    const first = await reader.resolveMoment(from);
    const second = await secondMoment(reader, to);
    this.say(`hkfs: from @${first.position}, ${first.time}, to @${second.position}, ${second.time}`);
  }
}

/** Two arguments are two moments: who gives a path as the second is told where it belongs. */
async function secondMoment(reader: ArchiveReader, to: string | undefined): Promise<Moment> {
  try {
    return await reader.resolveMoment(to);
  } catch (error) {
    if (to === undefined || !isHkfsError(error, 'BAD_MOMENT')) throw error;
    const hint = `${error.hint ?? ''}; a path comes third: hkfs diff FROM now ${to}`;
    throw new HkfsError('BAD_MOMENT', error.message, { hint });
  }
}
