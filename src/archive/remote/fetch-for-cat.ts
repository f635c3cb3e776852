/** A content that a clone has not, or only damaged: it comes from where the clone did. */
import { rmSync } from 'node:fs';
import { openBlobStore } from '../../store/remote/open.js';
import { SESSION_ID } from '../../fs/session.js';
import { layoutOf } from '../layout.js';
import { pathOfObject } from '../other-copies.js';
import { fetchIntoTree, fetchObject, type WantedObject } from './fetch-object.js';
import { readOrigin } from './origin.js';

export interface FetchedFile {
  readonly file: string;
  /** It is in the hash tree now; else whoever asked removes it. */
  readonly isKept: boolean;
}

/**
 * Null where the archive is no clone, or its origin has it not either: the reader says what is missing.
 * @param options.keep the hash tree has no file of it, and gets this one; a damaged one is for `heal` to replace
 */
export async function fetchForCat(
  root: string,
  wanted: WantedObject,
  { keep }: { keep: boolean },
): Promise<FetchedFile | null> {
  const layout = layoutOf(root);
  const origin = readOrigin(layout);
  if (origin === null) return null;
  const store = await openBlobStore(origin.url, { env: process.env });
  const staged = `${layout.staging}/cat-${SESSION_ID}-${wanted.hash}`;
  try {
    if (keep) {
      const isHere = (await fetchIntoTree(store, wanted, { layout })) === 'fetched';
      return isHere ? { file: pathOfObject(layout.objects, wanted.hash), isKept: true } : null;
    }
    rmSync(staged, { force: true });
    const isHere = (await fetchObject(store, wanted, { staged })) === 'fetched';
    return isHere ? { file: staged, isKept: false } : null;
  } finally {
    await store.close();
  }
}
