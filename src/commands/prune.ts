import type { PruneSummary } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { exitCodeOfFailures } from '../cli/exit-code.js';
import { planText } from '../cli/change-words.js';
import { confirm } from '../cli/confirm.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { parseSince } from '../cli/parse-values.js';
import { pruneText } from '../cli/prune-words.js';
import { readPathList } from '../cli/path-list.js';
import { EXIT, HkfsError } from '../errors.js';

export default class Prune extends BaseCommand {
  static override summary = 'Remove a duplicate, but only if all it holds is elsewhere.';
  static override description = `Takes PATH out of the tree if every file at or below it is also at a path outside of it, the object behind it is there and not known to be damaged, and that other path is a link to it on the disk as well. Otherwise nothing is removed, each file that stands in the way is named, and the exit code is 1. A symlink or a special file has to be elsewhere too: one of the same name and the same text or device. Empty files and directories hold nothing that could be lost.

--to-history asks less: it is enough that the content is an object that history keeps. --verified-since asks more: the object has to have been stored or verified after a moment, or within a span of time such as 30d. --keep-unique removes what is elsewhere and leaves the rest; a directory goes when nothing below it stays, and an empty one goes or stays with the directory that it is in.

With --from-file many paths go as one operation: each goes or stays for itself, and none of them keeps anything of another. One that is not there is listed among what stands in the way.

The operation's events carry the proof: of each removed file the hash, and the path at which its content stays. hkfs show has it. undo brings everything back.

Asks before it removes; --yes goes on without asking.

--json prints one object: operation (null where nothing was removed), removed (the outermost paths), removedFiles, removedBytes, proof (path, hash and kept) and refusing (path, kind, hash, size and reason: what stands in the way, or with --keep-unique what was left); where the disk refused something also failed, with exit code 3; with --dry-run also dryRun and plan.`;
  static override examples = [
    { description: 'Is it safe to remove?', command: '<%= config.bin %> prune backup-2015 --dry-run' },
    { description: 'Remove it if it is', command: '<%= config.bin %> prune backup-2015' },
    {
      description: 'Remove what is elsewhere, and see what is left',
      command: '<%= config.bin %> prune usb-stick --keep-unique',
    },
    {
      description: 'Remove many at once',
      command: "printf '%s\\0' old/a.jpg old/b.jpg | <%= config.bin %> prune --yes --from-file - -0",
    },
    {
      description: 'Trust only what was read in the last month',
      command: '<%= config.bin %> prune old-laptop --verified-since 30d',
    },
  ];
  static override args = {
    path: Args.string({
      ignoreStdin: true,
      description: 'A file or directory of the archive.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    'from-file': Flags.string({
      helpValue: 'FILE',
      description: 'Instead of PATH: a list of paths, each on a line; - is standard input.',
    }),
    null: Flags.boolean({
      aliases: ['0'],
      dependsOn: ['from-file'],
      description: 'The paths of the list end with NULs, as find -print0 writes them. Also written -0.',
    }),
    'to-history': Flags.boolean({
      description: 'It is enough that history keeps a content, also where no other path has it.',
    }),
    'verified-since': Flags.string({
      helpValue: 'T',
      description: 'Only contents that were stored or verified since: 30d, or a moment as for --at.',
    }),
    'keep-unique': Flags.boolean({ description: 'Remove what is elsewhere, and leave the rest.' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'Say what would go, and change nothing.' }),
    yes: Flags.boolean({ char: 'y', description: 'Remove without asking.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Prune);
    const { yes, 'verified-since': since, 'from-file': file, null: isNull } = flags;
    refuseBoth(args.path, file);
    const paths = file === undefined ? null : await this.unlessStopped(() => readPathList(file, isNull));
    await this.write(flags, async (archive, { view }) => {
      let isDeclined = false;
      const ask = async (plan: readonly string[]): Promise<boolean> => {
        isDeclined = !(await confirm(planText(plan), { yes }));
        return !isDeclined;
      };
      const summary = await archive.prune({
        path: paths?.map((path) => this.inside(archive, path)) ?? this.inside(archive, args.path),
        toHistory: flags['to-history'],
        verifiedSince: since === undefined ? undefined : parseSince(since, Date.now()),
        keepUnique: flags['keep-unique'],
        dryRun: flags['dry-run'],
        ...(yes ? {} : { confirm: ask }),
        onMessage: view.message,
      });
      view.stop();
      await this.print(summary, flags, () => pruneText(summary));
      if (isDeclined || isRefused(summary, flags['keep-unique'])) process.exitCode = EXIT.no;
      if (summary.failed !== undefined) process.exitCode = exitCodeOfFailures(summary.failed);
    });
  }
}

/** @throws HkfsError USAGE */
function refuseBoth(path: string | undefined, file: string | undefined): void {
  if ((path === undefined) !== (file === undefined)) return;
  throw new HkfsError(
    'USAGE',
    path === undefined ? 'no path is given' : 'PATH does not go with --from-file',
    {
      hint: 'give a path of the archive, or --from-file with a list of them',
    },
  );
}

function isRefused({ refusing }: PruneSummary, keepUnique: boolean): boolean {
  return refusing.length > 0 && !keepUnique;
}
