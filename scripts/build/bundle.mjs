/** The command line as one CommonJS file: see docs/decisions/0001-start-up.md for why. */
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

/** Native packages find their binaries relative to themselves. */
const NATIVE = ['koffi'];
/** Large and rarely wanted: even skipping over them costs every start a few milliseconds. */
const SELDOM = ['chrono-node', 'rxjs', '@bokuweb/zstd-wasm'];

/** Bundles `dist/main.js` into `dist/bundle/hkfs.cjs`. */
export async function bundle({ dist: folder, root }) {
  // esbuild names files by their real paths.
  const dist = realpathSync(folder);
  const outfile = join(dist, 'bundle/hkfs.cjs');
  await build({
    entryPoints: [join(dist, 'main.js')],
    outfile,
    absWorkingDir: root,
    nodePaths: [join(root, 'node_modules')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Node 20 knows no import() in a script that comes out of a code cache: they become require().
    supported: { 'dynamic-import': false },
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
    external: [...NATIVE, ...SELDOM],
    plugins: [
      lazyOclif(),
      wholeOclifOutside(),
      levelBindingOutside(),
      hashOnUse(),
      ownUrls({ dist, outfile }),
    ],
  });
}

/** A worker thread's modules as one file in place of `dist/fs/worker.js`: threads start twice as fast. */
export async function bundleWorker({ dist }) {
  const entry = join(realpathSync(dist), 'fs/worker.js');
  await build({
    entryPoints: [entry],
    outfile: entry,
    allowOverwrite: true,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  });
}

/**
 * oclif's modules require each other at their top, although a command that parses its flags needs a
 * fifth of them. Each `const x = require(…)` becomes a function called where `x` is used.
 */
function lazyOclif() {
  return {
    name: 'lazy-oclif',
    setup(context) {
      context.onLoad({ filter: /node_modules\/@oclif\/core\/lib\/.*\.js$/ }, async ({ path }) => ({
        contents: makeRequiresLazy(await readFile(path, 'utf8')),
        loader: 'js',
      }));
    },
  };
}

const TOP_LEVEL_REQUIRE = /^const (\w+) = ((?:__import(?:Default|Star)\()?require\("[^"]+"\)\)?);$/gm;

/**
 * `const x = require("y")` → `const x$lazy = () => require("y")`, and each use of `x` → `(x$lazy())`, in
 * parentheses so that `new x.Y()` still makes a Y.
 */
export function makeRequiresLazy(source) {
  const names = [];
  const declared = source.replace(TOP_LEVEL_REQUIRE, (_, name, value) => {
    names.push(name);
    return `const ${name}$lazy = () => ${value};`;
  });
  return names.reduce(
    (text, name) => text.replace(new RegExp(`(?<![\\w$."'])${name}(?![\\w$:])`, 'g'), `(${name}$lazy())`),
    declared,
  );
}

/** Help and completion run oclif's own main program, unbundled, because it loads plugins by their paths. */
function wholeOclifOutside() {
  return {
    name: 'whole-oclif-outside',
    setup(context) {
      context.onResolve({ filter: /^@oclif\/core$/ }, ({ path }) => ({ path, external: true }));
    },
  };
}

/** Of classic-level only the file that finds the binary stays outside: its JavaScript is 15 files. */
function levelBindingOutside() {
  return {
    name: 'level-binding-outside',
    setup(context) {
      context.onResolve({ filter: /^\.\/binding$/ }, ({ importer }) =>
        /classic-level\/[^/]+\.js$/.test(importer)
          ? { path: 'classic-level/binding.js', external: true }
          : undefined,
      );
    },
  };
}

/** Queries hash nothing: the native package is loaded with the first use of one of its exports. */
function hashOnUse() {
  const name = '@napi-rs/blake-hash';
  const getters = Object.keys(createRequire(import.meta.url)(name)).map(
    (key) => `get ${key}() { return require(${JSON.stringify(name)}).${key}; }`,
  );
  return {
    name: 'hash-on-use',
    setup(context) {
      context.onResolve({ filter: /^@napi-rs\/blake-hash$/ }, ({ kind, path }) =>
        kind === 'import-statement' ? { path, namespace: 'on-use' } : { path, external: true },
      );
      context.onLoad({ filter: /.*/, namespace: 'on-use' }, () => ({
        contents: `module.exports = { __esModule: true, ${getters.join(', ')} };`,
      }));
    },
  };
}

/** `import.meta.url` stays the URL of the compiled module, so that workers beside it are found. */
function ownUrls({ dist, outfile }) {
  return {
    name: 'own-urls',
    setup(context) {
      context.onLoad({ filter: /\.js$/ }, async ({ path }) => {
        if (relative(dist, path).startsWith('..')) return undefined;
        const source = await readFile(path, 'utf8');
        if (!source.includes('import.meta.url')) return undefined;
        const place = JSON.stringify(`/${relative(dirname(outfile), path)}`);
        const url = `require("node:url").pathToFileURL(require("node:path").normalize(__dirname + ${place})).href`;
        return { contents: source.replaceAll('import.meta.url', `(${url})`), loader: 'js' };
      });
    },
  };
}
