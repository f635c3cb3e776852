import type { OutsideOptions } from '../api.js';
import type { Layout } from '../layout.js';
import type { ClosableReader } from '../remote-reader.js';

/** An archive that is asked about the outside world. */
export interface ArchivePlace {
  readonly layout: Layout;
  /** For queries: held only while they are answered, because hashing may take hours. */
  readonly open: () => Promise<ClosableReader>;
}

/**
 * Before hours of reading; and "yesterday" means afterwards what it meant before.
 * @returns the moment as a position, undefined for now
 * @throws HkfsError BAD_MOMENT
 */
export async function resolveOnce(
  place: ArchivePlace,
  options: Pick<OutsideOptions, 'at' | 'onMessage'>,
): Promise<string | undefined> {
  const { at, onMessage } = options;
  if (at === undefined) return undefined;
  const reader = await place.open();
  try {
    const { position, time } = await reader.resolveMoment(at);
    onMessage?.({ level: 'note', code: 'MOMENT', text: `as of @${position}, ${time}` });
    return `@${position}`;
  } finally {
    await reader.close();
  }
}
