/** What tars say of members and cannot be kept: told once for each reason. */
import type { Message } from '../../api.js';

const CODE = 'ATTRIBUTE_LEFT_OUT';

export class LeftOut {
  private readonly onMessage: (message: Message) => void;
  private readonly counts = new Map<string, number>();

  constructor(onMessage: (message: Message) => void) {
    this.onMessage = onMessage;
  }

  /** @param texts the reason, and after a colon what is of this member alone */
  tell(texts: readonly string[], path: string): void {
    for (const text of texts) {
      const reason = text.replace(/:.*$/s, '');
      const count = this.counts.get(reason) ?? 0;
      this.counts.set(reason, count + 1);
      if (count === 0) this.onMessage({ level: 'warning', code: CODE, path, text: `left out: ${text}` });
    }
  }

  /** @param path the tar */
  finish(path: string): void {
    for (const [reason, count] of this.counts) {
      if (count === 1) continue;
      const members = count === 2 ? '1 more member' : `${count - 1} more members`;
      this.onMessage({
        level: 'warning',
        code: CODE,
        path,
        text: `left out: ${reason}, of ${members} as well`,
      });
    }
    this.counts.clear();
  }
}
