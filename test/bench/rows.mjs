/** All rows, in the order in which they run. */
import { row as againSmall } from './rows/again-small.mjs';
import { row as at } from './rows/at.mjs';
import { row as contains } from './rows/contains.mjs';
import { rows as backup } from './rows/backup.mjs';
import { row as copyLarge } from './rows/copy-large.mjs';
import { row as copySmall } from './rows/copy-small.mjs';
import { rows as dups } from './rows/dups.mjs';
import { row as exportSmall } from './rows/export.mjs';
import { row as ingestQueried } from './rows/ingest-queried.mjs';
import { row as linkSmall } from './rows/link-small.mjs';
import { row as memory } from './rows/memory.mjs';
import { row as prove } from './rows/prove.mjs';
import { row as queries } from './rows/queries.mjs';
import { row as replay } from './rows/replay.mjs';
import { rows as restore } from './rows/restore.mjs';
import { row as similar } from './rows/similar.mjs';
import { row as startUp } from './rows/start-up.mjs';
import { row as sync } from './rows/sync.mjs';
import { row as tarSmall } from './rows/tar-small.mjs';
import { rows as verify } from './rows/verify.mjs';

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {boolean} [millionToo] also has a form for a million files
 * @property {boolean} [millionOnly]
 * @property {(bench: import('./bench.mjs').Bench) => Promise<{ results: Map<string, import('./programs.mjs').Run[]>, claims: import('./claims.mjs').Claim[] }>} run
 */

/** @type {Row[]} */
export const ROWS = [
  startUp,
  linkSmall,
  copySmall,
  againSmall,
  copyLarge,
  tarSmall,
  ...restore,
  exportSmall,
  ...verify,
  ...backup,
  sync,
  contains,
  similar,
  replay,
  queries,
  prove,
  at,
  ...dups,
  ingestQueried,
  memory,
];

/**
 * @param {readonly string[]} names none: all that go with the corpus
 * @param {boolean} million
 */
export function chooseRows(names, million) {
  const fitting = ROWS.filter(({ millionToo, millionOnly }) =>
    million ? millionToo || millionOnly : !millionOnly,
  );
  const unknown = names.filter((name) => !fitting.some((row) => row.name === name));
  if (unknown.length > 0)
    throw new RangeError(
      `no such row: ${unknown.join(', ')}; there are ${fitting.map(({ name }) => name).join(', ')}`,
    );
  return names.length === 0 ? fitting : fitting.filter(({ name }) => names.includes(name));
}
