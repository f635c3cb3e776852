/** What is not to be recovered: it was never an archive, or is being made. */
import { existsSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { toFsPath } from '../../fs/names.js';
import type { Layout } from '../layout.js';
import { originOrNull } from './identity.js';

/** @throws HkfsError NOT_AN_ARCHIVE */
export function refuseForeign(layout: Layout): void {
  const { root } = layout;
  const isThere = (path: string): boolean => existsSync(toFsPath(path));
  if (originOrNull(layout)?.state === 'cloning')
    throw new HkfsError('NOT_AN_ARCHIVE', `${root} is a clone that was not finished`, {
      hint: 'run the same `hkfs clone` again: it goes on where it stopped',
    });
  if (isThere(layout.initialising))
    throw new HkfsError('NOT_AN_ARCHIVE', `${root} is an archive that was not finished`, {
      hint: 'run the same `hkfs init` again',
    });
  if (isThere(layout.log) || isThere(layout.objects) || isThere(layout.archiveFile)) return;
  if (isThere(`${layout.hkfs}/recover/ready.json`)) return;
  throw new HkfsError('NOT_AN_ARCHIVE', `${root} has nothing of an archive: no log, no objects`, {
    hint: 'name the directory of the archive with --archive DIR; `hkfs clone` makes one from a backup',
  });
}

/** @param own what the log or other files here say. @throws HkfsError REMOTE_FOREIGN */
export function refuseOtherArchive({ root }: Layout, own: string | null, wanted: string): void {
  if (own === null || own === wanted) return;
  throw new HkfsError('REMOTE_FOREIGN', `${root} is archive ${own}, and not ${wanted}`, {
    hint: 'leave --id out; to have another archive as well, clone it',
  });
}
