import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags } from '../cli/flags.js';
import { Flags } from '../cli/oclif.js';

export default class Head extends BaseCommand {
  static override summary = 'Show the fingerprint of the whole history.';
  static override description = `The head is the number of events and the root of the Merkle tree (RFC 6962, SHA-256) over them. Two archives with the same head have the same history; a head that was written down proves later that nothing before it was altered.

With --signed the head is signed with the archive's key (.hkfs/keys): a C2SP checkpoint, which \`hkfs check-proof\` and the programs of other transparency logs verify with the public key, archive.pub. \`hkfs prove --since\` shows later that the history only grew.

--json prints one object: size and root; with --signed also commit (what the last commit record hashes to) and checkpoint.`;
  static override examples = [
    { description: 'Write the head down', command: '<%= config.bin %> head --json >> ~/hkfs-heads' },
    {
      description: 'Leave a signed head with a friend',
      command: '<%= config.bin %> head --signed > head.txt',
    },
    {
      description: 'Compare two archives',
      command: 'diff <(<%= config.bin %> head -a A) <(<%= config.bin %> head -a B)',
    },
  ];
  static override flags = {
    ...archiveFlags,
    signed: Flags.boolean({ description: "Sign it with the archive's key." }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Head);
    await this.read(flags, async (reader) => {
      if (flags.signed) {
        const head = await reader.signedHead();
        return this.print(head, flags, () => head.checkpoint.trimEnd());
      }
      const { size, root } = await reader.head();
      await this.print({ size, root }, flags, () => `${size} ${root}`);
    });
  }
}
