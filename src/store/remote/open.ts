/** A remote's URL becomes its store; what S3 needs is loaded only for S3. */
import { statSync } from 'node:fs';
import { realPath, toFsPath } from '../../fs/names.js';
import type { BlobStore } from './blob-store.js';
import { DirectoryStore } from './directory-store.js';
import { parseRemoteUrl } from './remote-url.js';

export interface OpenOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file with credentials, which goes before the URL's own and the environment. */
  readonly credentials?: string;
  /** Make the directory of a directory remote where there is none. */
  readonly create?: boolean;
  readonly cwd?: string;
  /** Ends every wait for a server. */
  readonly signal?: AbortSignal | undefined;
  /** Told once when a server keeps somebody waiting. */
  readonly onWaiting?: ((text: string) => void) | undefined;
}

/** @throws HkfsError BAD_URL, REMOTE_UNREACHABLE, REMOTE_DENIED and what a kind says of its own */
export async function openBlobStore(url: string, options: OpenOptions): Promise<BlobStore> {
  const remote = parseRemoteUrl(url, options.cwd);
  if (remote.kind === 's3') {
    const { S3Store } = await import('./s3-store.js');
    const access =
      options.credentials === undefined ? remote : { ...remote, credentials: options.credentials };
    const { env, signal, onWaiting } = options;
    return new S3Store(access, { url, env, signal, onWaiting });
  }
  if (statSync(toFsPath(remote.path), { throwIfNoEntry: false })?.isFile() === true) {
    const { BundleStore } = await import('./bundle-store.js');
    return BundleStore.open(realPath(remote.path), url);
  }
  return DirectoryStore.open(remote.path, { url, ...(options.create === true ? { create: true } : {}) });
}
