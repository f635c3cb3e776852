import { BaseCommand } from '../cli/base-command.js';
import { Args, Flags } from '../cli/oclif.js';
import { openLine } from '../cli/open-words.js';
import { visibleName } from '../cli/visible-name.js';

export default class Init extends BaseCommand {
  static override summary = 'Make an archive.';
  static override description = `An archive is an ordinary folder with a .hkfs folder in it. Files that are already in DIR stay as they are and are not part of the archive until they are ingested.

The tree of the archive and its contents share one filesystem, which must know hard links: the contents are stored once below .hkfs/objects, and each name in the tree is a hard link to its content.

A key is made that signs for the archive (see hkfs head --signed): .hkfs/keys/archive, which only its owner can read, and archive.pub beside it for everybody who is to check. --key takes an existing Ed25519 key instead, as a signer key of a signed note or as \`openssl genpkey -algorithm ed25519\` writes it.

.hkfs is for its owner alone, and so is a folder that is made. The contents in the tree can be read by whoever may enter the folder, whatever the modes of the sources: of a folder that is there and open to others one line says so, and --private makes it its owner's alone.

--json prints one object: archive (its absolute path), id and openToOthers.`;
  static override examples = [
    { description: 'Make an archive in a new folder', command: '<%= config.bin %> init /data/archive' },
    { description: 'Make an archive here', command: '<%= config.bin %> init' },
    {
      description: 'Sign with a key that is there',
      command: '<%= config.bin %> init /data/archive --key ~/keys/archives.pem',
    },
  ];
  static override args = {
    dir: Args.string({
      ignoreStdin: true,
      description: 'The folder, made when it is not there. Default: the current folder.',
    }),
  };
  static override flags = {
    key: Flags.string({ helpValue: 'FILE', description: 'The private key that is to sign for the archive.' }),
    private: Flags.boolean({
      description: "The folder becomes its owner's alone (0700), as .hkfs always is.",
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Init);
    const { Archive } = await import('../archive/archive.js');
    const made = await Archive.init(args.dir ?? '.', { key: flags.key, private: flags.private });
    await this.print(made, flags, () => {
      const line = `Made an archive at ${visibleName(made.archive)} (id ${made.id}).`;
      return made.openToOthers ? `${line}\n${openLine(made.archive)}` : line;
    });
  }
}
