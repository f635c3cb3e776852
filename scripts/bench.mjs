/**
 * Runs every `test/bench/*.bench.mjs`, or those named, each in a process of its own with the remaining
 * flags. `--smoke` asks each for its smallest form, which only proves that it runs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../test/bench/', import.meta.url));
const flags = process.argv.slice(2).filter((arg) => arg.startsWith('-'));
const names = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const benches = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((name) => name.endsWith('.bench.mjs'))
  .filter((name) => names.length === 0 || names.includes(name.replace('.bench.mjs', '')))
  .sort();

if (benches.length === 0) process.stderr.write('bench: nothing matches\n');
for (const name of benches) {
  process.stdout.write(`\n# ${name.replace('.bench.mjs', '')}\n`);
  const { status } = spawnSync(process.execPath, [join(folder, name), ...flags], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
