/** Where a clone may be made: where nothing is, or where the same clone was begun. */
import { existsSync } from 'node:fs';
import { HkfsError } from '../../errors.js';
import { EventLog } from '../../events/log.js';
import { toFsPath } from '../../fs/names.js';
import { lstatOrNull, namesIn } from '../../fs/scan.js';
import { isBareClone } from '../init-leftovers.js';
import type { Layout } from '../layout.js';
import { isPureClone, readOrigin } from './origin.js';
import type { RemoteArchive } from './remote-archive.js';

/**
 * A clone that was finished and has lost its `archive.json` may have a history of its own since, which
 * going on with the clone would take for torn.
 * @throws HkfsError ALREADY_AN_ARCHIVE, LOG_DAMAGED
 */
export async function refuseOwnHistory(layout: Layout): Promise<void> {
  const isFinished = (readOrigin(layout)?.state ?? 'cloning') !== 'cloning';
  if (!isFinished || !existsSync(toFsPath(layout.log))) return;
  const log = await EventLog.open(layout.log);
  try {
    if (isPureClone({ layout, log })) return;
  } finally {
    await log.close();
  }
  throw new HkfsError('ALREADY_AN_ARCHIVE', `${layout.hkfs} holds an archive, but no archive.json`, {
    hint: 'bring archive.json back from a backup of the archive, or name another directory',
  });
}

/** @throws HkfsError ALREADY_AN_ARCHIVE, DIRECTORY_NOT_EMPTY */
export function refuseOthers(layout: Layout, remote: RemoteArchive): void {
  if (lstatOrNull(layout.archiveFile) !== null)
    throw new HkfsError('ALREADY_AN_ARCHIVE', `${layout.root} is an archive already`, {
      hint: 'name another directory; `hkfs pull` brings a clone up to date',
    });
  const origin = readOrigin(layout);
  if (origin !== null && origin.archive !== remote.id)
    throw new HkfsError('DIRECTORY_NOT_EMPTY', `${layout.root} has a begun clone of another archive`, {
      hint: 'name another directory, or remove this one',
    });
  const names = namesIn(layout.root);
  const isFree = names.length === 0 || (names.length === 1 && names[0] === '.hkfs' && isBareClone(layout));
  if (origin !== null || isFree) return;
  throw new HkfsError('DIRECTORY_NOT_EMPTY', `${layout.root} is not empty`, {
    hint: 'name another directory',
  });
}
