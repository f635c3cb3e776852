import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags, progressFlag } from '../cli/flags.js';
import { healParagraph } from '../cli/heal-summaries.js';
import { Args } from '../cli/oclif.js';
import { EXIT } from '../errors.js';

export default class Heal extends BaseCommand {
  static override summary = 'Bring damaged or missing contents back from remotes.';
  static override description = `Without PATH: what an earlier verify, sync or backup found damaged, and what is not in the hash tree at all. With PATH: the contents of all files at and below it are read, and those that are wrong are healed.

Good bytes come from a twin of the object or from its name in the tree, where these are right, and else from a remote: first from one where the content was verified, then from one where it was stored. What nobody has is looked for in files of the hash tree that stand under another name, and in .hkfs/damaged. They are staged and hashed before anything is replaced. Then the names in the tree that were links to the damaged file are links to the good one. Names that a person replaced by files of their own are left alone. The damaged files are kept in .hkfs/damaged, in case that somebody's work is in them; delete them when they are of no use.

What was healed, and from where, is recorded. A remote that cannot be reached is told, and the next one is asked.

Exit code 4: of some contents there is no good copy here or at any remote.

--json prints one object: operation (null when nothing was wrong), objects (how many were looked at), healed (hash, reason, paths and healedFrom), lost (hash, reason and paths) and seconds.`;
  static override examples = [
    { description: 'All that is known to be wrong', command: '<%= config.bin %> heal' },
    { description: 'Read the photos, and heal what is wrong', command: '<%= config.bin %> heal photos' },
    { description: 'Look for damage and heal it in one go', command: '<%= config.bin %> verify --heal' },
  ];
  static override args = {
    path: Args.string({
      multiple: true,
      required: false,
      ignoreStdin: true,
      description: 'Paths inside the archive.',
    }),
  };
  static override flags = { ...archiveFlags, ...progressFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Heal);
    await this.write(flags, async (archive, { signal, view }) => {
      const paths = (args.path ?? []).map((path) => this.inside(archive, path));
      const { update: onProgress, message: onMessage } = view;
      const summary = await archive.heal({ paths, onProgress, onMessage, signal });
      view.stop();
      await this.print(summary, flags, () => healParagraph(summary));
      if (summary.lost.length > 0) process.exitCode = EXIT.damage;
    });
  }
}
