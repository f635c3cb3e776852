/** Writes `oclif.manifest.json`, by which help and completion know the commands without loading them. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { generateManifest } from './build/manifest.mjs';

const path = fileURLToPath(new URL('../oclif.manifest.json', import.meta.url));
writeFileSync(path, await generateManifest());
