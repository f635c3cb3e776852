/**
 * Holds the architecture of docs/design.md, "Rooms and arrows": which room may import which, no cycles
 * between files, and each npm package behind one importing file.
 * Usage: node scripts/check-arrows.mjs [SRC]
 */
import { readFileSync, readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from '@swc/core';

/** Room → the rooms it may import. A room may always import itself; `errors.ts` is everyone's. */
const ARROWS = {
  commands: ['cli', 'archive'],
  cli: [],
  archive: ['events', 'projections', 'store', 'fs', 'tar'],
  projections: ['events', 'fs'],
  store: ['fs'],
  fs: [],
  tar: [],
  events: [],
  // The library's door and the command line's: they put the rooms together.
  'index.ts': ['archive', 'events'],
  'main.ts': ['commands', 'cli'],
};
const EVERYONES = 'errors.ts';

/** What else is allowed, file by file: importer (a prefix), imported (a prefix), and how. */
const EXCEPTIONS = [
  { from: 'cli/', to: 'archive/', kinds: ['type'], reason: 'rows are typed' },
  { from: 'cli/open-archive.ts', to: 'archive/archive.ts', kinds: ['dynamic'], reason: 'opened on use' },
  { from: 'cli/', to: 'fs/names.ts', kinds: ['static', 'dynamic', 'type'], reason: 'names are bytes' },
  {
    from: 'cli/render-error.ts',
    to: 'fs/errors.ts',
    kinds: ['static'],
    reason: 'what a system call refused and nobody has told yet is named in one place',
  },
  { from: 'cli/', to: 'fs/absolute-path.ts', kinds: ['static'], reason: 'it says when there is no cwd' },
  { from: 'cli/render-error.ts', to: 'fs/errors.ts', kinds: ['static'], reason: 'one module words an errno' },
  { from: 'cli/', to: 'events/types.ts', kinds: ['type'], reason: 'rows are typed' },
  { from: 'fs/', to: 'events/names.ts', kinds: ['static', 'type'], reason: 'one module converts names' },
  { from: 'fs/', to: 'events/bytes.ts', kinds: ['static'], reason: 'bytes are bytes' },
  {
    from: 'fs/',
    to: 'events/stored-time.ts',
    kinds: ['static'],
    reason: 'one module says which times are kept',
  },
  { from: 'fs/', to: 'events/types.ts', kinds: ['type'], reason: 'attributes are a word of the log' },
  {
    from: 'fs/worker.ts',
    to: 'store/hash-tree/',
    kinds: ['static'],
    reason: 'the threads read contents through the one reader; they move to a room above the store',
  },
  {
    from: 'fs/restore.ts',
    to: 'store/hash-tree/',
    kinds: ['static'],
    reason: 'the threads read contents through the one reader; they move to a room above the store',
  },
  {
    from: 'tar/decompress.ts',
    to: 'fs/child-environment.ts',
    kinds: ['static'],
    reason: 'one module says what a program is told of the environment',
  },
  { from: 'tar/', to: 'events/names.ts', kinds: ['static'], reason: 'one module converts names' },
  {
    from: 'tar/',
    to: 'events/stored-time.ts',
    kinds: ['static'],
    reason: 'one module says which times are kept',
  },
  { from: 'tar/', to: 'events/types.ts', kinds: ['type'], reason: 'attributes are a word of the log' },
  { from: 'store/', to: 'events/types.ts', kinds: ['type'], reason: 'a hash is a word of the log' },
];

/** Packages that several files may import, and why. */
const SHARED_PACKAGES = {
  'abstract-level': 'types only',
};

const src = resolve(process.argv[2] ?? fileURLToPath(new URL('../src', import.meta.url)));
const imports = sourceFiles(src).flatMap(importsOf);
const problems = [...brokenArrows(imports), ...cycles(imports), ...scatteredPackages(imports)];
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stderr.write(problems.length === 0 ? `arrows: ${imports.length} imports are in order\n` : '');
process.exitCode = problems.length === 0 ? 0 : 1;

function sourceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) =>
      relative(src, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .sort();
}

function importsOf(file) {
  const found = [];
  const ast = parseSync(readFileSync(join(src, file), 'utf8'), { syntax: 'typescript', target: 'es2022' });
  visit(ast, (specifier, kind) => found.push({ file, specifier, kind, to: resolveImport(file, specifier) }));
  return found;
}

/** Finds every import, export-from, `import()` and `import('…')` type below a syntax node. */
function visit(node, report) {
  if (Array.isArray(node)) return node.forEach((child) => visit(child, report));
  if (typeof node !== 'object' || node === null) return undefined;
  if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type) && node.source) {
    report(node.source.value, node.typeOnly ? 'type' : 'static');
  } else if (node.type === 'CallExpression' && node.callee.type === 'Import') {
    const [{ expression }] = node.arguments;
    if (expression.type === 'StringLiteral') report(expression.value, 'dynamic');
  } else if (node.type === 'TsImportType') {
    report(node.argument.value, 'type');
  }
  return Object.values(node).forEach((child) => visit(child, report));
}

/** The imported file relative to `src`, or undefined for packages. */
function resolveImport(file, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  return join(dirname(file), specifier).split(sep).join('/').replace(/\.js$/, '.ts');
}

function brokenArrows(all) {
  return all
    .filter(({ file, to, kind }) => to !== undefined && !isAllowed(file, to, kind))
    .map(({ file, to, kind }) => `broken arrow: ${file} → ${to} (${kind} import); ${ruleOf(file)}`);
}

function isAllowed(file, to, kind) {
  const [from, target] = [roomOf(file), roomOf(to)];
  if (to === EVERYONES || from === target || ARROWS[from]?.includes(target)) return true;
  return EXCEPTIONS.some((e) => file.startsWith(e.from) && to.startsWith(e.to) && e.kinds.includes(kind));
}

function roomOf(file) {
  return file.split('/')[0];
}

function ruleOf(file) {
  const room = roomOf(file);
  const allowed = ARROWS[room];
  if (allowed === undefined) return `${room} is no room`;
  return allowed.length === 0 ? `${room} imports no other room` : `${room} may import ${allowed.join(', ')}`;
}

/** Each cycle of imports that exist at run time, once; `import()` and types cannot deadlock loading. */
function cycles(all) {
  const graph = new Map();
  for (const { file, to, kind } of all) {
    if (to !== undefined && kind === 'static') graph.set(file, [...(graph.get(file) ?? []), to]);
  }
  const found = new Map();
  const done = new Set();
  for (const file of graph.keys()) follow(file, [], { graph, found, done });
  return [...found.values()];
}

function follow(file, path, context) {
  const start = path.indexOf(file);
  if (start >= 0) {
    const ring = path.slice(start);
    context.found.set(ring.slice().sort().join(), `cycle: ${[...ring, file].join(' → ')}`);
    return;
  }
  if (context.done.has(file)) return;
  for (const next of context.graph.get(file) ?? []) follow(next, [...path, file], context);
  context.done.add(file);
}

function scatteredPackages(all) {
  const importers = new Map();
  for (const { file, specifier, kind } of all) {
    if (specifier.startsWith('.') || isBuiltin(specifier) || kind === 'type') continue;
    const name = packageOf(specifier);
    importers.set(name, (importers.get(name) ?? new Set()).add(file));
  }
  return [...importers]
    .filter(([name, files]) => files.size > 1 && !(name in SHARED_PACKAGES))
    .map(
      ([name, files]) =>
        `scattered package: ${name} is imported by ${[...files].join(', ')}; one file should`,
    );
}

function packageOf(specifier) {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
