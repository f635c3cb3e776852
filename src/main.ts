/** The command line's door: which commands there are. Called by bin/run.js from the bundle. */
import { fileURLToPath } from 'node:url';

import { type CommandTable, launch } from './cli/launch.js';
import { untilSettled } from './cli/settle.js';

/** Each is loaded when it is asked for. A test holds the table against the files of `commands/`. */
export const COMMANDS: CommandTable = {
  backup: () => import('./commands/backup.js'),
  'bundle:apply': () => import('./commands/bundle/apply.js'),
  'bundle:create': () => import('./commands/bundle/create.js'),
  cat: () => import('./commands/cat.js'),
  contains: () => import('./commands/contains.js'),
  'check-proof': () => import('./commands/check-proof.js'),
  clone: () => import('./commands/clone.js'),
  copies: () => import('./commands/copies.js'),
  diff: () => import('./commands/diff.js'),
  du: () => import('./commands/du.js'),
  dups: () => import('./commands/dups.js'),
  export: () => import('./commands/export.js'),
  fetch: () => import('./commands/fetch.js'),
  find: () => import('./commands/find.js'),
  gc: () => import('./commands/gc.js'),
  head: () => import('./commands/head.js'),
  heal: () => import('./commands/heal.js'),
  ingest: () => import('./commands/ingest.js'),
  init: () => import('./commands/init.js'),
  log: () => import('./commands/log.js'),
  ls: () => import('./commands/ls.js'),
  mv: () => import('./commands/mv.js'),
  ops: () => import('./commands/ops.js'),
  orphans: () => import('./commands/orphans.js'),
  prune: () => import('./commands/prune.js'),
  prove: () => import('./commands/prove.js'),
  pull: () => import('./commands/pull.js'),
  recover: () => import('./commands/recover.js'),
  'remote:add': () => import('./commands/remote/add.js'),
  'remote:compact': () => import('./commands/remote/compact.js'),
  'remote:ls': () => import('./commands/remote/ls.js'),
  'remote:rm': () => import('./commands/remote/rm.js'),
  replay: () => import('./commands/replay.js'),
  restore: () => import('./commands/restore.js'),
  rm: () => import('./commands/rm.js'),
  show: () => import('./commands/show.js'),
  similar: () => import('./commands/similar.js'),
  stat: () => import('./commands/stat.js'),
  sync: () => import('./commands/sync.js'),
  tag: () => import('./commands/tag.js'),
  undo: () => import('./commands/undo.js'),
  unique: () => import('./commands/unique.js'),
  verify: () => import('./commands/verify.js'),
};

/** Runs `hkfs ARGV`. */
export function main(argv: string[]): Promise<void> {
  return untilSettled(argv, () => launch(argv, COMMANDS, fileURLToPath(new URL('..', import.meta.url))));
}
