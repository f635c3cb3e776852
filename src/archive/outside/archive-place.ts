import type { Layout } from '../layout.js';
import type { ClosableReader } from '../remote-reader.js';

/** An archive that is asked about the outside world. */
export interface ArchivePlace {
  readonly layout: Layout;
  /** For queries: held only while they are answered, because hashing may take hours. */
  readonly open: () => Promise<ClosableReader>;
}

/** Before hours of reading. @throws HkfsError BAD_MOMENT */
export async function refuseBadMoment(place: ArchivePlace, at: string): Promise<void> {
  const reader = await place.open();
  try {
    await reader.resolveMoment(at);
  } finally {
    await reader.close();
  }
}
