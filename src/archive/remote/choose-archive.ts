/** Which archive of a remote is meant. */
import { HkfsError } from '../../errors.js';
import type { BlobStore } from '../../store/remote/blob-store.js';
import { isRemote } from './format.js';
import { archivesOf, RemoteArchive } from './remote-archive.js';

/** @throws HkfsError REMOTE_FOREIGN where there is none, USAGE where there are several and none was named */
export async function chooseArchive(store: BlobStore, id: string | undefined): Promise<RemoteArchive> {
  if (!(await isRemote(store)))
    throw new HkfsError('REMOTE_FOREIGN', `${store.url} is no remote of hkfs`, {
      hint: 'check the path; for S3, bucket and prefix',
    });
  const ids = await archivesOf(store);
  if (id !== undefined && ids.includes(id)) return new RemoteArchive(store, id);
  if (id === undefined && ids.length === 1) return new RemoteArchive(store, ids[0]!);
  const list = ids.length === 0 ? 'it holds none yet' : `it holds ${ids.join(', ')}`;
  if (id !== undefined || ids.length === 0)
    throw new HkfsError('REMOTE_FOREIGN', `${store.url} has no such archive: ${list}`, {
      hint: 'check the URL and the id',
    });
  throw new HkfsError('USAGE', `${store.url} has several archives: ${list}`, {
    hint: 'choose one with --id',
  });
}
