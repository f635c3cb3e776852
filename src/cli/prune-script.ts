/** Duplicates as a shell script to review and run. Nothing in it trusts that the archive is as it was. */
import type { DupsRow } from '../archive/api.js';
import { HkfsError } from '../errors.js';
import { nameToBytes } from '../fs/names.js';
import { groupTitle, keptOf, shownPath } from './dups-text.js';
import { visibleName } from './visible-name.js';

/**
 * @param archive its directory
 * @param toRead on a terminal a script is read and not run: names are shown as everywhere
 */
export async function* pruneScript(
  rows: AsyncIterable<DupsRow>,
  archive: string,
  toRead = false,
): AsyncGenerator<Uint8Array> {
  const word = (text: string): string => quoted(toRead ? visibleName(text) : text);
  yield nameToBytes(head(word(archive)));
  for await (const row of rows) if (row.reclaimable > 0) yield nameToBytes(commandsOf(row, word));
  // Whole or not at all: a script that was cut short ends before the brace, and a shell runs nothing of it.
  yield nameToBytes('\n} | hkfs prune --yes --from-file - -0\n');
}

function head(archive: string): string {
  return [
    '#!/bin/sh',
    '# Duplicates of an hkfs archive, the largest gain first. Read it, take out what is to stay, then run it.',
    '# Each path goes only if all that it holds is held elsewhere, which is checked anew; else it stays.',
    '# All that goes is one operation, and stays in history: `hkfs undo` brings it back.',
    `HKFS_ARCHIVE=${archive}`,
    'export HKFS_ARCHIVE',
    'cd / || exit 1',
    '{',
    ':',
    '',
  ].join('\n');
}

function commandsOf(row: DupsRow, word: (text: string) => string): string {
  const kept = keptOf(row);
  return [
    '',
    `# ${groupTitle(row)}`,
    ...row.paths.slice(0, kept).map((path) => `# stays: ${shownPath(path)}`),
    ...row.paths.slice(kept).map((path) => `printf '%s\\0' ${word(path)}`),
    '',
  ].join('\n');
}

/** One word for any shell of POSIX, whatever the bytes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @throws HkfsError USAGE where the rows are no advice for the archive as it is */
export function refuseForScript(flags: {
  json: boolean;
  at: string | undefined;
  all: boolean | undefined;
}): void {
  const [flag] = [
    ...(flags.json ? ['--json'] : []),
    ...(flags.at === undefined ? [] : ['--at']),
    ...(flags.all === true ? ['--all'] : []),
  ];
  if (flag !== undefined)
    throw new HkfsError('USAGE', `--format script does not go with ${flag}`, {
      hint: 'a script is for people, acts on the archive as it is now, and names each path once',
    });
}
