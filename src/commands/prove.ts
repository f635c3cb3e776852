import type { Proof, ProofQuery } from '../archive/api.js';
import { BaseCommand } from '../cli/base-command.js';
import { visibleName } from '../cli/visible-name.js';
import { archiveFlags } from '../cli/flags.js';
import { formatCount, plural } from '../cli/format.js';
import { Args, Flags } from '../cli/oclif.js';
import { parsePosition } from '../cli/parse-values.js';

export default class Prove extends BaseCommand {
  static override summary = 'Prove that an event is in the history, or that the history only grew.';
  static override description = `A proof is a small text that \`hkfs check-proof\` verifies without the archive, with its public key alone (.hkfs/keys/archive.pub). Its size and cost do not grow with the log.

With @POSITION: that this event, which the proof contains, is in the history that the archive signs (inclusion). With --since: that the history had this head once and has only grown since (consistency). HEAD is SIZE:ROOT as \`hkfs head\` writes it with a colon between, a file with a signed head, or @POSITION for the head just after that event. Exit 1 when the archive never had this head.

docs/proofs.md describes the texts for those who check with other programs.

--json prints one object: kind, position or since (size and root), size, root, checkpoint and proof (the text), with -o file in place of proof.`;
  static override examples = [
    { description: 'That an event happened', command: '<%= config.bin %> prove @1234 -o event.tlog-proof' },
    {
      description: 'That nothing was altered since a head was written down',
      command: '<%= config.bin %> prove --since head.txt -o since.proof',
    },
    {
      description: 'Check it elsewhere',
      command: '<%= config.bin %> check-proof since.proof --key archive.pub --since head.txt',
    },
  ];
  static override args = {
    position: Args.string({ ignoreStdin: true, description: 'The event: @1234.' }),
  };
  static override flags = {
    ...archiveFlags,
    since: Flags.string({ helpValue: 'HEAD', description: 'A head that somebody wrote down.' }),
    output: Flags.string({
      char: 'o',
      helpValue: 'FILE',
      description: 'Write to this new file. Default, and -: standard output.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Prove);
    const file = flags.output === '-' ? undefined : flags.output;
    const files = await import('../archive/proof-files.js');
    const query = queryOf(args.position, flags.since, files.readKnownHead);
    await this.read(flags, async (reader) => {
      const proof = await reader.prove(query);
      if (file === undefined) return this.print(proof, flags, () => proof.proof.trimEnd());
      files.writeProofFile(file, proof.proof);
      const { proof: _text, ...row } = proof;
      await this.print({ ...row, file }, flags, () => `${claimOf(proof)} Written to ${visibleName(file)}.`);
    });
  }
}

function queryOf(
  position: string | undefined,
  since: string | undefined,
  readHead: (text: string) => Extract<ProofQuery, { since: unknown }>['since'],
): ProofQuery {
  if (since !== undefined && position === undefined) return { since: readHead(since) };
  return { position: parsePosition(since === undefined ? position : undefined) };
}

function claimOf({ position, since, size }: Proof): string {
  return since === undefined
    ? `Event @${position} is in the history of ${plural(size, 'event')}.`
    : `The history of ${plural(since.size, 'event')} is the beginning of that of ${formatCount(size)}.`;
}
