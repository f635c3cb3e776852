import { realpathSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

import { HkfsError } from '../errors.js';

/**
 * A path inside the archive from what the user wrote: from the archive's root, with or without a leading
 * slash; or a path of the real filesystem inside the tree, absolute or beginning with `./` or `../`.
 * @throws HkfsError BAD_PATH when a relative path leads outside of the archive.
 */
export function pathInArchive(text: string, place: { root: string; cwd: () => string }): string {
  if (/^\.{1,2}(\/|$)/.test(text)) {
    const inside = below(resolve(place.cwd(), text), place.root);
    if (inside !== undefined) return inside;
    throw new HkfsError('BAD_PATH', `${text} is outside of the archive ${place.root}`, {
      hint: 'Paths are written from the root of the archive; ./ and ../ mean the real filesystem.',
    });
  }
  const real = isAbsolute(text) ? below(resolve(text), place.root) : undefined;
  return real ?? text.replace(/^\/+/, '');
}

function below(path: string, root: string): string | undefined {
  return [root, realRoot(root)].map((base) => after(path, base)).find((rest) => rest !== undefined);
}

function after(path: string, base: string): string | undefined {
  if (path === base) return '';
  const prefix = base.endsWith('/') ? base : `${base}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

function realRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch {
    return root;
  }
}
