/** A content that a clone has not: it comes from where the clone did, and stays. */
import { openBlobStore } from '../../store/remote/open.js';
import { layoutOf } from '../layout.js';
import { fetchIntoTree, type WantedObject } from './fetch-object.js';
import { readOrigin } from './origin.js';

/** Nothing where the archive is no clone, or its origin has it not either: the reader says what is missing. */
export async function fetchForCat(root: string, wanted: WantedObject): Promise<void> {
  const layout = layoutOf(root);
  const origin = readOrigin(layout);
  if (origin === null) return;
  const store = await openBlobStore(origin.url, { env: process.env });
  try {
    await fetchIntoTree(store, wanted, { layout });
  } finally {
    await store.close();
  }
}
