import type { SimilarQuery, SimilarRow } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, atFlag, nullFlag, progressFlag } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { similarLines } from '../cli/outside-words.js';
import { parseShare } from '../cli/parse-values.js';
import { EXIT, HkfsError } from '../errors.js';

export default class Similar extends BaseCommand {
  static override summary = 'Find directories that hold much of another, whatever the layout.';
  static override description = `For the files below PATH, or below a directory outside of the archive: which directories of the archive hold how much of them, by content, best first. Names and layout do not matter; empty files do not count. Of directories that hold the same, the innermost is told; PATH itself, what is above it and what is below it are left out.

--all compares every directory with every other. Of two directories that hold each other, one way is told; and when a directory is in another, the same of what is below it is not said again.

Containment is the part of the bytes that is there; "the other way" is how much of the directory that was found is in PATH: 100 % both ways are the same contents. --missing lists the files that are not there.

--json prints one row per directory: path, containment (0 to 1), sharedBytes, missingFiles, missingBytes, sharedFiles, fileContainment, reverseContainment and reverseFileContainment; with --all also of, with --missing also missing.`;
  static override examples = [
    { description: 'Where else is this?', command: '<%= config.bin %> similar backup-2015' },
    {
      description: 'What of an old laptop is nowhere else in one place?',
      command: '<%= config.bin %> similar old-laptop/documents --min 80% --missing',
    },
    {
      description: 'A stick that may be a copy',
      command: '<%= config.bin %> similar --outside /media/stick',
    },
    { description: 'All near-duplicates', command: '<%= config.bin %> similar --all --min 0.9' },
  ];
  static override args = {
    path: Args.string({ ignoreStdin: true, description: 'A directory inside the archive.' }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...nullFlag,
    ...progressFlag,
    outside: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'DIR',
      exclusive: ['all'],
      description: 'Look for what is in this directory of the real filesystem.',
    }),
    all: Flags.boolean({ description: 'Compare all directories with each other.' }),
    min: Flags.string({
      helpValue: 'SHARE',
      default: '0.5',
      description: 'The least part of the bytes that has to be there, such as 0.5 or 50%.',
    }),
    missing: Flags.boolean({ exclusive: ['null'], description: 'List the files that are not there.' }),
    checksum: Flags.boolean({
      dependsOn: ['outside'],
      description: 'Read files of DIR also where size, times and inode say that they are unchanged.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Similar);
    const { at, outside, all, missing } = flags;
    const min = parseShare(flags.min);
    refuseUnlessOne([args.path !== undefined, outside !== undefined, all]);
    if (outside !== undefined) return this.outside(flags, { paths: outside, min });
    await this.read(flags, async (reader) => {
      const what: SimilarQuery = all
        ? { is: 'all', min, missing }
        : { is: 'path', path: this.inside(reader, args.path), min, missing };
      await this.list(reader.similar(what, at === undefined ? {} : { at }), flags, similarLines);
    });
  }

  private async outside(
    flags: {
      readonly json: boolean;
      readonly null: boolean;
      readonly at: string | undefined;
      readonly missing: boolean;
      readonly checksum: boolean;
      readonly progress: string;
    },
    what: { readonly paths: readonly string[]; readonly min: number },
  ): Promise<void> {
    const { at, missing, checksum } = flags;
    await this.readOutside(flags, async (queries, { view, signal }) => {
      const hooks = { onProgress: view.update, onMessage: view.message, signal };
      const moment = at === undefined ? {} : { at };
      const { rows, failed } = await queries.similar({ ...what, missing, checksum, ...moment, ...hooks });
      view.stop();
      for (const { path, code, message } of failed)
        view.message({ level: 'warning', code, path, text: message });
      await this.list<SimilarRow>(rows, flags, similarLines);
      if (failed.length > 0) process.exitCode = EXIT.partial;
    });
  }
}

function refuseUnlessOne(given: readonly boolean[]): void {
  if (given.filter(Boolean).length === 1) return;
  throw new HkfsError('USAGE', 'similar wants one of PATH, --outside DIR and --all', {
    hint: 'Add --help for the arguments and flags.',
  });
}
