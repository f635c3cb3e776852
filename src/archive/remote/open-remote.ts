/** The store of a remote for one command: its signal ends every wait, and who waits long is told why. */
import type { BlobStore } from '../../store/remote/blob-store.js';
import { openBlobStore } from '../../store/remote/open.js';
import type { Message } from '../api.js';

export interface RemoteOpening {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onMessage?: ((message: Message) => void) | undefined;
  /** See OpenOptions of the store. */
  readonly create?: boolean;
}

/** @throws as openBlobStore */
export function openRemoteStore(
  url: string,
  { env = process.env, signal, onMessage, create = false }: RemoteOpening,
): Promise<BlobStore> {
  const onWaiting = (text: string): void => onMessage?.({ level: 'note', code: 'REMOTE_WAITING', text });
  return openBlobStore(url, { env, signal, onWaiting, create });
}
