/**
 * Contents that are in the hash tree under another object's name, or were kept aside as another's damaged
 * bytes, such as after files were exchanged by hand. Looked for when nobody else has them.
 */
import type { Hash } from '../../events/types.js';
import { hashToHex } from '../../fs/hash.js';
import { keptFiles } from '../../fs/keep-damaged.js';
import { StatTable, type FileStat } from '../../fs/stats.js';
import { lstatOrNull } from '../../fs/scan.js';
import { ObjectIndex } from '../object-index.js';
import type { OpenArchive } from '../open-archive.js';

const FAN_OUT = 256;
const TOGETHER = 256;

interface Wanted {
  readonly hashes: ReadonlySet<Hash>;
  readonly sizes: ReadonlySet<bigint>;
}

/** @returns a file with the bytes of each content that was found; files that a seal speaks for are not read */
export async function findMisplaced(
  archive: OpenArchive,
  objects: readonly { readonly hash: Hash; readonly size: number }[],
): Promise<Map<Hash, string>> {
  const found = new Map<Hash, string>();
  const hashes = new Set(objects.map(({ hash }) => hash));
  const wanted = { hashes, sizes: new Set(objects.map(({ size }) => BigInt(size))) };
  if (objects.length === 0) return found;
  await readFiles(archive, keptOfSize(archive, wanted), { wanted, found });
  for (let at = 0; at < FAN_OUT && found.size < hashes.size; at += 1) {
    const files = await doubtfulFiles(archive, at.toString(16).padStart(2, '0'), wanted);
    await readFiles(archive, files, { wanted, found });
  }
  return found;
}

function keptOfSize(archive: OpenArchive, { sizes }: Wanted): string[] {
  return keptFiles(archive.layout.damaged).filter((path) => {
    const stat = lstatOrNull(path);
    return stat !== null && sizes.has(stat.size);
  });
}

/** Files of one folder of the hash tree, of a wanted size, that are not known to be what they are named. */
async function doubtfulFiles(
  archive: OpenArchive,
  folder: string,
  { sizes }: Wanted,
): Promise<readonly string[]> {
  const directory = `${archive.layout.objects}/${folder}`;
  const { names, stats } = await archive.pool.run({ task: 'scan', directory, limit: Infinity, bare: true });
  const table = new StatTable(stats);
  const rows: { name: string; stat: FileStat }[] = [];
  for (const [row, name] of names.entries()) {
    const stat = table.get(row);
    if (sizes.has(stat.size) && /^[0-9a-f]{62}(\.\d+)?$/.test(name)) rows.push({ name, stat });
  }
  if (rows.length === 0) return [];
  const index = new ObjectIndex(archive.views.level);
  const seals = await index.seals(rows.map(({ stat }) => ({ device: stat.dev, inode: stat.ino })));
  return rows
    .filter(({ name, stat }, at) => index.judge(folder + name.slice(0, 62), stat, seals[at]) !== 'good')
    .map(({ name }) => `${directory}/${name}`);
}

/** What cannot be read has nothing for us: whose object it is, another check tells. */
async function readFiles(
  archive: OpenArchive,
  files: readonly string[],
  { wanted, found }: { wanted: Wanted; found: Map<Hash, string> },
): Promise<void> {
  for (let at = 0; at < files.length; at += TOGETHER) {
    const some = files.slice(at, at + TOGETHER);
    const { hashes, failures } = await archive.pool.run({ task: 'hash', files: some });
    for (const [index, file] of some.entries()) {
      const failure = failures.get(index);
      if (failure?.code === 'ECANCELED')
        throw Object.assign(new Error(failure.message), { code: failure.code });
      if (failure) continue;
      const hash = hashToHex(hashes.subarray(index * 32, index * 32 + 32));
      if (wanted.hashes.has(hash) && !found.has(hash)) found.set(hash, file);
    }
  }
}
