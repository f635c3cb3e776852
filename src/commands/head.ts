import { BaseCommand } from '../cli/base-command.js';
import { archiveFlags } from '../cli/flags.js';

export default class Head extends BaseCommand {
  static override summary = 'Show the fingerprint of the whole history.';
  static override description = `The head is the number of events and the root of the Merkle tree (RFC 6962, SHA-256) over them. Two archives with the same head have the same history; a head that was written down proves later that nothing before it was altered.

--json prints one object: size and root.`;
  static override examples = [
    { description: 'Write the head down', command: '<%= config.bin %> head --json >> ~/hkfs-heads' },
    {
      description: 'Compare two archives',
      command: 'diff <(<%= config.bin %> head -a A) <(<%= config.bin %> head -a B)',
    },
  ];
  static override flags = { ...archiveFlags };

  async run(): Promise<void> {
    const { flags } = await this.parse(Head);
    await this.read(flags, async (reader) => {
      const { size, root } = await reader.head();
      await this.print({ size, root }, flags, () => `${size} ${root}`);
    });
  }
}
