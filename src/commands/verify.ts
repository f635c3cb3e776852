import type { RemoteVerifySummary, VerifySummary } from '../archive/api.js';
import { BaseCommand, type Work } from '../cli/base-command.js';
import type { Archive } from '../archive/archive.js';
import { archiveFlags, durationFlag, progressFlag } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';
import { remoteVerifyParagraph } from '../cli/heal-summaries.js';
import { verifyParagraph } from '../cli/summaries.js';
import { EXIT } from '../errors.js';

export default class Verify extends BaseCommand {
  static override summary = 'Check contents, tree and views against the log.';
  static override description = `Reads objects and compares them with their hashes, those longest unverified first; compares the tree with the hash tree; and checks that the fingerprint (Merkle root) of every commit of the log follows from its events, and that the views have seen them all. (replay --check compares the views themselves, row by row.) What was read and found right is remembered, so that repeated runs with --budget go round the whole archive.

Spans of time are written 90s, 10m, 12h, 30d, 2w or 1y.

With --quick the names, sizes and links of all objects and of the tree are looked at; contents are read only where an inode was touched since it was last known to be good, or was found damaged before; the log is not checked.

With --heal what is damaged or missing comes back from a remote, as by heal.

With --remote NAME the files of a remote are checked instead: each content is read and hashed, those read there longest ago first, and log segments, checkpoints, claims and the key are compared with this archive. With --quick only the listing is compared with the log. What was read is recorded, so that repeated runs with --budget go round the whole remote. With --heal, what is missing there is sent again from here, which needs rights to create; a damaged file has to be removed first, which needs the right to remove: where that is refused, the file stays and is told.

Exit code 4: contents are damaged or missing, and were not healed, or the log's fingerprints do not fit. Exit code 1: the contents are sound, but the tree has entries that are no links to their objects, or files that no event names.

--json prints one object: operation, objects, bytes, damaged, missing, unlinked, untracked, views, remaining and seconds. With --remote: operation, remote, url, size (the events that are to be there), objects, bytes, damaged, missing, files (name, reason and healed), remaining and seconds. Rows of damaged and missing have healedFrom when they were healed.`;
  static override examples = [
    { description: 'Read everything', command: '<%= config.bin %> verify' },
    {
      description: 'Names, sizes and links, and the contents of what was touched',
      command: '<%= config.bin %> verify --quick',
    },
    {
      description: 'Every night for two hours',
      command: '<%= config.bin %> verify --older-than 30d --budget 2h',
    },
    {
      description: 'What a remote has, an hour each night, sending again what it lost',
      command: '<%= config.bin %> verify --remote usb --budget 1h --heal',
    },
  ];
  static override flags = {
    ...archiveFlags,
    ...progressFlag,
    quick: Flags.boolean({
      description:
        'Look at names, sizes and links; read only contents whose inode was touched, and not the log.',
    }),
    'older-than': durationFlag({
      description: 'Only objects that were last verified, or stored, longer ago than T.',
      exclusive: ['remote'],
    }),
    remote: Flags.string({ helpValue: 'NAME', description: 'Check the files of a remote instead.' }),
    heal: Flags.boolean({
      description: 'Bring back from remotes what is damaged; with --remote: send it there again.',
    }),
    budget: durationFlag({ description: 'Stop after reading for about T.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Verify);
    const { remote } = flags;
    const orAside = remote === undefined && !flags.heal;
    await this.write({ ...flags, orAside }, (archive, work) =>
      remote === undefined
        ? this.verify(archive, work, flags)
        : this.verifyRemote(archive, work, { ...flags, remote }),
    );
  }

  private async verify(
    archive: Archive,
    { signal, view }: Work,
    flags: VerifyFlags & { 'older-than': number | undefined },
  ): Promise<void> {
    const { quick, heal, budget, 'older-than': age } = flags;
    const summary = await archive.verify({
      ...{ quick, heal, signal, onProgress: view.update, onMessage: view.message },
      olderThanMs: age === undefined ? undefined : Date.now() - age,
      budgetSeconds: budget === undefined ? undefined : budget / 1000,
    });
    view.stop();
    await this.print(summary, flags, () => verifyParagraph(summary));
    process.exitCode = signal.aborted ? EXIT.interrupted : exitCodeOf(summary);
  }

  private async verifyRemote(
    archive: Archive,
    { signal, view }: Work,
    flags: VerifyFlags & { remote: string },
  ): Promise<void> {
    const { quick, heal, budget, remote } = flags;
    const summary = await archive.verifyRemote({
      ...{ remote, quick, heal, signal, onProgress: view.update, onMessage: view.message },
      budgetSeconds: budget === undefined ? undefined : budget / 1000,
    });
    view.stop();
    await this.print(summary, flags, () => remoteVerifyParagraph(summary));
    process.exitCode = signal.aborted ? EXIT.interrupted : exitCodeOfRemote(summary);
  }
}

interface VerifyFlags {
  readonly json: boolean;
  readonly quick: boolean;
  readonly heal: boolean;
  readonly budget: number | undefined;
}

function exitCodeOfRemote({ damaged, missing, files }: RemoteVerifySummary): number {
  const isBad = isLost(damaged) || isLost(missing) || files.some(({ healed }) => !healed);
  return isBad ? EXIT.damage : EXIT.ok;
}

function isLost(rows: VerifySummary['damaged']): boolean {
  return rows.some(({ healedFrom }) => healedFrom === undefined);
}

function exitCodeOf({ damaged, missing, views, unlinked, untracked }: VerifySummary): number {
  if (isLost(damaged) || isLost(missing) || views.length > 0) return EXIT.damage;
  return unlinked.length + untracked.length > 0 ? EXIT.no : EXIT.ok;
}
