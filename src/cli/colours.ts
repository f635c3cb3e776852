import picocolors from 'picocolors';

import type { EntryKind } from '../events/types.js';

/**
 * picocolors would also paint under CI or --color; a pipe gets plain text, always. Without a terminal isTTY is
 * undefined, and createColors(undefined) would decide by itself.
 */
const pc = picocolors.createColors(process.stdout.isTTY ? picocolors.isColorSupported : false);

type Paint = (text: string) => string;

const BY_KIND: Readonly<Partial<Record<EntryKind, Paint>>> = {
  directory: pc.blue,
  symlink: pc.cyan,
  fifo: pc.yellow,
  socket: pc.magenta,
  chardev: pc.yellow,
  blockdev: pc.yellow,
};

export function paintByKind(text: string, kind: EntryKind): string {
  return BY_KIND[kind]?.(text) ?? text;
}

export const dim: Paint = pc.dim;
