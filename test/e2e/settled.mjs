/** What four commands would say of an archive, in one process: `node settled.mjs ARCHIVE`, as one line of JSON. */
import { Archive } from 'hkfs';

const archive = await Archive.open(process.argv[2]);
try {
  const verified = await archive.verify();
  const again = await archive.sync();
  const replayed = await archive.replay({ check: true });
  const rows = [];
  for await (const row of archive.ls('', { recursive: true })) rows.push(row);
  process.stdout.write(`${JSON.stringify({ verified, again, replayed, rows })}\n`);
} finally {
  await archive.close();
}
