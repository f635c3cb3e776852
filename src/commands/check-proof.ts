import type { CheckedProof } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { Args, Flags } from '../cli/oclif.js';
import { proofText } from '../cli/proof-words.js';
import { EXIT } from '../errors.js';

export default class CheckProof extends BaseCommand {
  static override summary = 'Check a proof or a signed head, without any archive.';
  static override description = `FILE is what \`hkfs prove\` or \`hkfs head --signed\` wrote. The key is the archive's public one: the line in .hkfs/keys/archive.pub, or a file with it. It has to come from where you trust, and not along with the proof.

With --since the proof has to be about this head, which you wrote down yourself: SIZE:ROOT, or a file with a signed head. Without it, compare the older head that is printed.

Exit 0 when it holds, 1 when it does not (an altered event, hash, head or signature), 2 when it cannot be told: no proof, cut off, signed by another key, or of another archive.

--json prints one object: holds, reason (when it does not), kind, origin, size and root, and commit where the head says what its last commit record hashes to; of an event position and event, of an older head since.`;
  static override examples = [
    {
      description: 'With the key in a file',
      command: '<%= config.bin %> check-proof event.tlog-proof --key archive.pub',
    },
    {
      description: 'That it begins from the head you have',
      command: '<%= config.bin %> check-proof since.proof --key archive.pub --since head.txt',
    },
  ];
  static override args = {
    file: Args.string({ ignoreStdin: true, required: true, description: 'The proof or the signed head.' }),
  };
  static override flags = {
    key: Flags.string({
      char: 'k',
      required: true,
      helpValue: 'KEY',
      description: 'The public key, or a file with it.',
    }),
    since: Flags.string({ helpValue: 'HEAD', description: 'The head that the proof has to be about.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(CheckProof);
    const files = await import('../archive/proof-files.js');
    const { checkProof } = await import('../archive/check-proof.js');
    const key = files.readVerifierKey(flags.key);
    const since = flags.since === undefined ? undefined : files.readKnownHead(flags.since);
    const checked: CheckedProof = checkProof(files.readProofFile(args.file), key, { since });
    await this.print(checked, flags, () => proofText(checked));
    if (!checked.holds) process.exitCode = EXIT.no;
  }
}
