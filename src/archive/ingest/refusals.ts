/** Files that the link modes copied after all: told once for each reason. */
import type { Refusal } from '../../fs/tasks.js';
import type { Message } from '../api.js';

const WHY: Readonly<Record<Refusal, string>> = {
  busy: 'another program has it open for writing',
  untold: 'whether another program has it open for writing cannot be told here',
  shared: 'it has names outside of what is ingested',
  fresh: 'it was changed just now, and its file system keeps whole seconds only',
};

export class Refusals {
  private readonly onMessage: (message: Message) => void;
  private readonly byReason = new Map<Refusal, { first: string; count: number }>();

  constructor(onMessage: (message: Message) => void) {
    this.onMessage = onMessage;
  }

  add(reason: Refusal, path: string): void {
    const known = this.byReason.get(reason);
    if (known) known.count += 1;
    else this.byReason.set(reason, { first: path, count: 1 });
  }

  tell(): void {
    for (const [reason, { first, count }] of this.byReason) {
      const more = count === 1 ? '' : `; ${count - 1} more likewise`;
      const text = `copied and not linked: ${WHY[reason]}${more}`;
      this.onMessage({ level: 'note', code: 'NOT_LINKED', path: first, text });
    }
    this.byReason.clear();
  }
}
