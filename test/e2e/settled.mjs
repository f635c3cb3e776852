/**
 * `node settled.mjs ARCHIVE [sync]`: what several commands would say of an archive one after the other, in
 * one process and as one line of JSON; with `sync`, a sync tried and done comes first.
 */
import { Archive } from 'hkfs';

const [root, first] = process.argv.slice(2);
const archive = await Archive.open(root);
try {
  const tried = first === 'sync' ? await archive.sync({ dryRun: true }) : null;
  const synced = first === 'sync' ? await archive.sync() : null;
  const verified = await archive.verify();
  const again = await archive.sync();
  const replayed = await archive.replay({ check: true });
  const rows = [];
  for await (const row of archive.ls('', { recursive: true })) rows.push(row);
  process.stdout.write(`${JSON.stringify({ tried, synced, verified, again, replayed, rows })}\n`);
} finally {
  await archive.close();
}
