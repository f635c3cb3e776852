/** Every command and every place for a word in it, out of oclif's manifest; and words that are bad paths. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly commands: Readonly<Record<string, ManifestCommand>>;
}

interface ManifestCommand {
  readonly args: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly flags: Readonly<
    Record<
      string,
      { readonly type: string; readonly options?: readonly string[]; readonly helpValue?: string }
    >
  >;
}

const manifest = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../oclif.manifest.json'), 'utf8'),
) as Manifest;

/** What is no path whatever it is: numbers, moments, spans of time, digits. */
const NO_PATHS: ReadonlySet<string> = new Set(['N', 'MOMENT', 'T', 'SHARE', 'H', '[+-]N', 'P', 'ID']);

/** Words with which a command that needs some can run in the box of the test, by argument. */
const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  backup: { name: 'disk' },
  'bundle:apply': { file: 'whole.bundle' },
  'bundle:create': { file: 'new.bundle' },
  cat: { target: 'source/a' },
  'check-proof': { file: 'proof' },
  clone: { url: 'remote', dir: 'clone' },
  contains: { dir: 'source' },
  diff: { from: 'op:1', to: 'op:2' },
  export: { path: 'source' },
  fetch: { path: 'source' },
  ingest: { source: 'source' },
  mv: { from: 'source/a', to: 'moved' },
  prove: { position: '@3' },
  prune: { path: 'source/twin' },
  'remote:add': { name: 'second', url: 'second' },
  'remote:compact': { name: 'disk' },
  'remote:rm': { name: 'disk' },
  restore: { path: 'source' },
  rm: { path: 'source/a' },
  show: { target: '1' },
  stat: { target: 'source/a' },
  unique: { path: 'source' },
};

/** What else a command cannot do without, or would ask for. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  'check-proof': ['--key', 'archive/.hkfs/keys/archive.pub'],
  gc: ['--yes'],
  recover: ['--dry-run'],
  restore: ['--to', 'out'],
  rm: ['--yes'],
  undo: ['--yes'],
};

/** A place for a word in a command line. */
export interface Slot {
  readonly name: string;
  /** The command line with this word there. */
  fill(word: string): string[];
}

export const COMMANDS: readonly string[] = Object.keys(manifest.commands);

/** A command line that succeeds, or that fails for no other reason than what is in the archive. */
export function usual(command: string): string[] {
  return [...command.split(':'), ...Object.values(argsOf(command)), ...(FLAGS[command] ?? [])];
}

export function slotsOf(command: string): Slot[] {
  const { args, flags } = manifest.commands[command]!;
  const paths = Object.entries(flags).filter(
    ([, { type, options, helpValue }]) => type === 'option' && !options && !NO_PATHS.has(helpValue ?? ''),
  );
  return [
    ...Object.keys(args).map((name) => ({ name, fill: (word: string) => withArg(command, name, word) })),
    ...paths.map(([name]) => ({
      name: `--${name}`,
      fill: (word: string) => [...without(usual(command), `--${name}`), `--${name}`, word],
    })),
  ];
}

function argsOf(command: string): Record<string, string> {
  const { args } = manifest.commands[command]!;
  const needed = Object.keys(args).filter((name) => args[name]!.required);
  return Object.fromEntries(needed.map((name) => [name, WORDS[command]?.[name] ?? 'source']));
}

/** Those before it are given as well, whether they are needed or not. */
function withArg(command: string, name: string, word: string): string[] {
  const { args } = manifest.commands[command]!;
  const usually = argsOf(command);
  const upTo = Object.keys(args).slice(0, Object.keys(args).indexOf(name) + 1);
  const names = [...new Set([...upTo, ...Object.keys(usually)])];
  const words = names.map((each) => (each === name ? word : (usually[each] ?? 'source')));
  return [...command.split(':'), ...(FLAGS[command] ?? []), '--', ...words];
}

function without(words: readonly string[], flag: string): string[] {
  const at = words.indexOf(flag);
  return at < 0 ? [...words] : words.toSpliced(at, 2);
}

/** Bad paths, as they are in the box that the test makes. */
export const BAD_PATHS: readonly (readonly [what: string, path: string])[] = [
  ['empty', ''],
  ['a name of 300 bytes', 'x'.repeat(300)],
  ['a path of 8000 bytes', 'long/'.repeat(1600)],
  ['a loop of symlinks', './loop'],
  ['below a loop of symlinks', './loop/x'],
  ['a symlink to nothing', './dangling'],
  ['nowhere', '/nonexistent/x'],
  ['a file', './file'],
  ['below a file', './file/x'],
  ['a directory', './folder'],
  ['a fifo', './fifo'],
  ['a socket', './socket'],
  ['a device', '/dev/null'],
  ['in /proc', '/proc/zz'],
  ['/proc itself', '/proc/self/fd'],
  ['a file of /proc that nobody reads', '/proc/self/mem'],
  ['a directory without permission', './locked'],
  ['below a directory without permission', './locked/x'],
  ['a file without permission', './secret'],
  ['bytes that are no UTF-8', './\udcff'],
];
