import type { ContainsResult, OutsideRow } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { exitCodeAcross } from '../cli/exit-code.js';
import { archiveFlags, atFlag, nullFlag, progressFlag, remoteFlags } from '../cli/flags.js';
import { Args, Flags } from '../cli/oclif.js';
import { containsParagraph, outsideLine } from '../cli/outside-words.js';
import { readAll } from '../cli/read-all.js';
import { EXIT } from '../errors.js';

const ALGORITHMS = ['blake3', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

export default class Contains extends BaseCommand {
  static override summary = 'Tell whether all of a directory outside is in the archive as well.';
  static override description = `Hashes the files at and below each DIR, with all cores, and lists those whose content no entry of the archive has. Names and attributes do not matter. Contents that are known to be damaged in the archive do not count as being there. Empty files have no content that could be missing; symlinks and special files are counted, and not compared.

What was read is remembered in .hkfs/outside, by inode, size and times: a second run reads only what is new or changed, unless --checksum is given. The archive is not held while files are read, so other commands go on meanwhile.

- reads standard input: a list of paths (each on a line, or ended by NULs), or a manifest, whose hashes are looked up without reading the files: as b3sum prints it, sha256sum and its kin, BSD's and OpenSSL's digest programs, or hashdeep. A manifest of another hash than BLAKE3 has the archive's contents read once, and what they hash to is remembered. Lines of 64 digits without a name of the hash are BLAKE3 or SHA-256: what the archive knows one of them as; --algorithm says it beforehand. Where it knows none as either, that is told. Weaker hashes (MD5, SHA-1) are refused.

With --remote NAME all archives that back up to that remote are asked, as find --remote does it; paths begin with the id of their archive and a colon. Exit code 4 where one of them was rolled back or forked, 3 where one cannot be read.

Exit code 0 when all is there, 1 when something is missing, 3 when something could not be read (each is listed).

--json prints one row per missing file: path, hash and size; with --where also those that are there, with paths. The last row has total, archived and missing; files that could not be read are in the total only.`;
  static override examples = [
    { description: 'Is it safe to wipe this stick?', command: '<%= config.bin %> contains /media/stick' },
    {
      description: 'Copy what is missing',
      command: '<%= config.bin %> contains old-disk -0 | xargs -0 cp --parents -t /mnt/rescue',
    },
    { description: 'Where is it?', command: '<%= config.bin %> contains ~/Downloads --where' },
    {
      description: 'Only some files',
      command: "find ~ -name '*.jpg' -print0 | <%= config.bin %> contains -",
    },
    {
      description: 'Is it in any of the archives that back up there?',
      command: '<%= config.bin %> contains --remote nas /media/stick',
    },
    { description: 'A disk that is elsewhere', command: '<%= config.bin %> contains - < disk.b3' },
    {
      description: 'A manifest of sha256sum',
      command: '<%= config.bin %> contains - < SHA256SUMS',
    },
  ];
  static override args = {
    dir: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Directories and files outside of the archive; - for a list or a manifest.',
    }),
  };
  static override flags = {
    ...archiveFlags,
    ...atFlag,
    ...nullFlag,
    ...progressFlag,
    ...remoteFlags,
    where: Flags.boolean({
      exclusive: ['null'],
      description: 'Also list what is there, with its paths in the archive.',
    }),
    checksum: Flags.boolean({
      description: 'Read files also where size, times and inode say that they are unchanged.',
    }),
    algorithm: Flags.option({
      options: ALGORITHMS,
      description: 'What hashes of a manifest are that does not say it.',
    })(),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Contains);
    const { at, where, checksum, algorithm } = flags;
    const paths = args.dir.filter((path) => path !== '-');
    await this.readOutside(flags, async (queries, { view, signal }) => {
      const input =
        paths.length < args.dir.length ? await this.unlessStopped(() => readAll(process.stdin)) : undefined;
      const hooks = { onProgress: view.update, onMessage: view.message, signal };
      const result = await queries.contains({
        paths,
        input,
        algorithm,
        where,
        checksum,
        ...{ remote: flags.remote, offline: flags.offline },
        ...when(at),
        ...hooks,
      });
      view.stop();
      for (const { path, code, message } of result.failed)
        view.message({ level: 'warning', code, path, text: message });
      if (flags.json) await this.list(withTotals(result), flags, []);
      else await this.list(rowsOf(result), flags, outsideLine);
      if (!flags.json && !flags.null) await this.print({}, flags, () => containsParagraph(result));
      process.exitCode = exitCodeOf(result);
    });
  }
}

function when(at: string | undefined): { at?: string } {
  return at === undefined ? {} : { at };
}

async function* rowsOf(result: ContainsResult): AsyncGenerator<OutsideRow> {
  yield* result.rows();
}

async function* withTotals(result: ContainsResult): AsyncGenerator<object> {
  const { total, archived, missing } = result;
  yield* result.rows();
  yield { total, archived, missing };
}

function exitCodeOf({ failed, missing, troubles }: ContainsResult): number {
  const trouble = exitCodeAcross(troubles);
  if (trouble !== null) return trouble;
  if (failed.length > 0) return EXIT.partial;
  return missing > 0 ? EXIT.no : EXIT.ok;
}
