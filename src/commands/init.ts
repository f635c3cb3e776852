import { BaseCommand } from '../cli/base-command.js';
import { Args } from '../cli/oclif.js';
import { visibleName } from '../cli/visible-name.js';

export default class Init extends BaseCommand {
  static override summary = 'Make an archive.';
  static override description = `An archive is an ordinary folder with a .hkfs folder in it. Files that are already in DIR stay as they are and are not part of the archive until they are ingested.

The tree of the archive and its contents share one filesystem, which must know hard links: the contents are stored once below .hkfs/objects, and each name in the tree is a hard link to its content.

--json prints one object: archive (its absolute path) and id.`;
  static override examples = [
    { description: 'Make an archive in a new folder', command: '<%= config.bin %> init /data/archive' },
    { description: 'Make an archive here', command: '<%= config.bin %> init' },
  ];
  static override args = {
    dir: Args.string({
      ignoreStdin: true,
      description: 'The folder, made when it is not there. Default: the current folder.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Init);
    const { Archive } = await import('../archive/archive.js');
    const made = await Archive.init(args.dir ?? process.cwd());
    await this.print(made, flags, () => `Made an archive at ${visibleName(made.archive)} (id ${made.id}).`);
  }
}
