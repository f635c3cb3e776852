/** What a user names: a path in the archive, a path of the real filesystem in the tree, a hash, an inode. */
import { HkfsError, isHkfsError } from '../../errors.js';
import type { Hash } from '../../events/types.js';
import { absolutePath, workingDirectory } from '../../fs/absolute-path.js';
import { normalizeTreePath } from '../../fs/names.js';
import type { Contents } from '../../projections/contents.js';
import type { NamedEntry, Namespace } from '../../projections/namespace.js';

export type Target =
  { readonly is: 'entry'; readonly named: NamedEntry } | { readonly is: 'content'; readonly hash: Hash };

/** What we know of an inode here, as far as we know it. */
export type SealedHash = (inode: bigint) => Promise<Hash | null>;

/** Shorter digits are more likely a file's name that is not there than a hash. */
const MIN_PREFIX = 4;

/**
 * @param root the archive's directory, to recognise paths of the real filesystem
 * @throws HkfsError NOT_FOUND, BAD_PATH, BAD_TARGET, AMBIGUOUS_PREFIX
 */
export async function resolveTarget(
  text: string,
  where: { root: string; namespace: Namespace; contents: Contents; sealed: SealedHash },
): Promise<Target> {
  const { root, namespace, contents, sealed } = where;
  if (/^ino:\d+$/.test(text)) {
    const known = await sealed(BigInt(text.slice(4)));
    return { is: 'content', hash: known ?? (await hashOfInode(text, contents)) };
  }
  const named = await findEntry(text, root, namespace);
  if (named !== null) return { is: 'entry', named };
  const isHash = /^[0-9a-f]+$/.test(text) && text.length >= MIN_PREFIX && text.length <= 64;
  const hash = isHash ? await contents.resolvePrefix(text) : null;
  if (hash !== null) return { is: 'content', hash };
  throw new HkfsError('NOT_FOUND', `nothing in the archive is named ${JSON.stringify(text)}`, {
    hint: "give a path from the archive's root, a hash or at least 4 of its first digits, or ino:N; see `hkfs ls`",
  });
}

/** @throws HkfsError NOT_FOUND, BAD_PATH, BAD_TARGET */
export async function resolvePath(text: string, root: string, namespace: Namespace): Promise<NamedEntry> {
  const named = await findEntry(text, root, namespace);
  if (named !== null) return named;
  throw new HkfsError('NOT_FOUND', `there is no ${JSON.stringify(text)} in the archive`, {
    hint: "paths are written from the archive's root; see `hkfs ls`",
  });
}

/** Null where there is no such entry at the namespace's moment. */
export async function findEntry(
  text: string,
  root: string,
  namespace: Namespace,
): Promise<NamedEntry | null> {
  for (const path of candidatePaths(text, root)) {
    const entry = await namespace.resolve(path);
    if (entry !== undefined) return { path, entry };
  }
  return null;
}

/** Null where relative paths start nowhere: the working directory may be gone. */
function realOf(text: string): string | null {
  try {
    return text === '' ? workingDirectory() : absolutePath(text);
  } catch (error) {
    if (isHkfsError(error)) return null;
    throw error;
  }
}

/** As a path of the tree, and as one of the real filesystem where that lies in the tree. */
export function candidatePaths(text: string, root: string): string[] {
  const real = realOf(text);
  const inside =
    real === null
      ? null
      : real === root
        ? ''
        : real.startsWith(`${root}/`)
          ? real.slice(root.length + 1)
          : null;
  const isAbsoluteInside = text.startsWith('/') && inside !== null;
  if (isAbsoluteInside) return [normalizeTreePath(inside)];
  const path = normalizeTreePath(text);
  return inside === null || inside === path ? [path] : [path, normalizeTreePath(inside)];
}

async function hashOfInode(text: string, contents: Contents): Promise<Hash> {
  const hashes = await contents.hashesOfInodeNumber(BigInt(text.slice(4)));
  if (hashes.length === 1) return hashes[0]!;
  if (hashes.length === 0)
    throw new HkfsError('NOT_FOUND', `no object of the archive has inode ${text.slice(4)}`, {
      hint: 'inode numbers are those of `ls -i` in the tree',
    });
  throw new HkfsError('AMBIGUOUS_PREFIX', `${text} is an inode on more than one device`, {
    hint: 'name a path or a hash',
  });
}
