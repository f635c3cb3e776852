/** Writes `oclif.manifest.json`, by which help and completion know the commands without loading them; --print only shows it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { generateManifest } from './build/manifest.mjs';

const path = fileURLToPath(new URL('../oclif.manifest.json', import.meta.url));
const text = await generateManifest();
if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync(path, text);
