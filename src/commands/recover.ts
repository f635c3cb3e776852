import type { RecoverSummary } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { planText } from '../cli/change-words.js';
import { confirm } from '../cli/confirm.js';
import { jsonFlag, progressFlag } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';
import { brokenArchive } from '../cli/open-archive.js';
import { recoverParagraph } from '../cli/recover-summary.js';
import { EXIT } from '../errors.js';

export default class Recover extends BaseCommand {
  static override summary = 'Mend an archive whose log is damaged or gone.';
  static override description = `Reads what is left of the log, whatever became of its files, and keeps the commits whose fingerprints hold; a single bit that flipped is found by LevelDB's checksums and put right. With --from the rest comes from another place that has it: a remote by its name or URL, a bundle, or the directory of a clone or a copy. Where that place has several archives, the log, archive.json, the key or origin.json here tell which one is meant, or else --id does. What comes has to be signed by the archive's key, and to go on from what is proved here. Then the views are replayed, and contents that are not here are fetched. archive.json and the public key are written anew where they are damaged or gone.

The plan is printed first, and on a terminal asked for; --dry-run prints it and changes nothing. The new log is made and read again beside the old one before anything is moved; the old one is kept as .hkfs/log.damaged-TIME, to be deleted when all is well. A recovery that was stopped or killed goes on when the same command is run again. What cannot be recovered is listed, with exit code 4; the same command with another --from may bring it later, as long as nothing was appended.

A directory that is named with --from is believed as far as it follows from what is proved here: nobody has signed it.

Without any other place, --from-tree begins a new history: a new archive, with a new id and key, of the objects and the tree as they stand. The old history is gone then, with earlier names, the modes of files, the attributes of directories, tags and remotes; what is left of the old log is kept aside.

--json prints one object: archive, id, way (log or tree), from, recovered, size, root, here and fetched (events), damagedFiles (name, reason, mended), lost (from, events; null: none), unrecovered, kept, objects, bytes, damaged, missing, seconds, plan, and with --dry-run dryRun.`;
  static override examples = [
    { description: 'What is left, and what would be done?', command: '<%= config.bin %> recover --dry-run' },
    {
      description: 'Mend the log from a backup',
      command: '<%= config.bin %> recover --from /mnt/usb/backup',
    },
    {
      description: 'From a remote that the log knows',
      command: '<%= config.bin %> recover --from nas --yes',
    },
    {
      description: 'Nothing else has it: begin a new history of what is on the disk',
      command: '<%= config.bin %> recover --from-tree',
    },
  ];
  static override flags = {
    ...jsonFlag,
    ...progressFlag,
    archive: Flags.string({
      char: 'a',
      env: 'HKFS_ARCHIVE',
      helpValue: 'DIR',
      noCacheDefault: true,
      description: 'The archive. Without it: the nearest folder upwards that has something of one.',
      helpGroup: 'GLOBAL',
    }),
    from: Flags.string({
      helpValue: 'PLACE',
      description: 'A remote by its name or URL, a bundle, or a directory with the same archive.',
      exclusive: ['from-tree'],
    }),
    id: Flags.string({
      helpValue: 'ID',
      description: 'Which archive, where PLACE has several and nothing here says which one this is.',
      dependsOn: ['from'],
    }),
    'from-tree': Flags.boolean({ description: 'Begin a new history of what is on the disk.' }),
    key: Flags.string({
      helpValue: 'KEY',
      description:
        'The public key that has to have signed, where the one here is gone: a file, or the key itself.',
      dependsOn: ['from'],
    }),
    'dry-run': Flags.boolean({ char: 'n', description: 'Say what would be done, and change nothing.' }),
    yes: Flags.boolean({ char: 'y', description: 'Recover without asking.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Recover);
    const { from, id, key, yes } = flags;
    const { Archive, root } = await brokenArchive(flags);
    let isDeclined = false;
    const ask = async (plan: readonly string[]): Promise<boolean> => {
      isDeclined = !(await confirm(planText(plan), { yes }));
      return !isDeclined;
    };
    const summary = await this.work(flags.progress, ({ signal, view }) =>
      Archive.recover({
        directory: root,
        from,
        archiveId: id,
        key,
        fromTree: flags['from-tree'],
        dryRun: flags['dry-run'],
        ...(yes ? {} : { confirm: ask }),
        onProgress: view.update,
        onMessage: view.message,
        signal,
      }),
    );
    await this.print(summary, flags, () => recoverParagraph(summary));
    process.exitCode = isDeclined ? EXIT.no : exitCodeOf(summary);
  }
}

function exitCodeOf({ lost, unrecovered, damaged, missing }: RecoverSummary): number {
  const isAll = lost === null && unrecovered.length + damaged.length + missing.length === 0;
  return isAll ? EXIT.ok : EXIT.damage;
}
