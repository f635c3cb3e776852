/** Writes `docs/commands/*.md`, one page a command, from `oclif.manifest.json`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { commandPages } from './build/command-pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'));
const folder = join(root, 'docs/commands');
mkdirSync(folder, { recursive: true });
for (const [name, text] of commandPages(manifest)) writeFileSync(join(folder, name), text);
