import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The text of `oclif.manifest.json`, from the compiled commands; the same on every machine. */
export async function generateManifest() {
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  return `${JSON.stringify(plugin.manifest, sortedKeys, 2)}\n`;
}

function sortedKeys(key, value) {
  // The environment's value of a flag must not reach a committed file.
  if (value === null || typeof value !== 'object' || Array.isArray(value) || ORDERED.has(key)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Positional arguments keep the order in which they are typed. */
const ORDERED = new Set(['args']);
