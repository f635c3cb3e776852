/**
 * From arguments to a command, without oclif's `Config`, which reads plugins and manifests for 30 ms.
 * What needs plugins (help and completion) goes to oclif's own main program.
 */
import { readFileSync } from 'node:fs';

import { HkfsError, withoutSecrets } from '../errors.js';
import type { BaseCommand } from './base-command.js';
import type { Interruption } from './interrupt.js';
import { type Config, runWholeOclif } from './oclif.js';
import { guardOutput, writeChunk } from './output.js';
import { withRawBytes } from './raw-argv.js';
import { stoppably } from './stoppably.js';
import { settledStatus, tell } from './settle.js';
import { visibleText } from './visible-name.js';

export interface CommandModule {
  readonly default: Pick<typeof BaseCommand, 'id'> & {
    launch(argv: string[], config: Config, interruption: Interruption): Promise<unknown>;
  };
}

/** Command id (`ls`, later `remote:add`) → what loads it. */
export type CommandTable = Readonly<Record<string, () => Promise<CommandModule>>>;

const WITH_PLUGINS: readonly string[] = ['help', 'autocomplete'];

/** Runs one command line; errors are told on stderr and leave an exit code, never a throw. */
export async function launch(argv: string[], commands: CommandTable, packageRoot: string): Promise<void> {
  const [first] = argv;
  const id = commandId(argv, commands);
  if (first === '--version') return writeVersion(packageRoot);
  if (first === undefined || WITH_PLUGINS.includes(first) || asksForHelp(argv)) {
    // It repeats what it does not know, as it is.
    return runWholeOclif(argv.map(shown), packageRoot, () => guardOutput((error) => leaveOclif(error, argv)));
  }
  const load = commands[id];
  if (load === undefined) return tell(unknownCommand(id, commands), argv);
  await stoppably(argv, async (interruption) => {
    const { default: command } = await load();
    guardOutput();
    command.id = id;
    const rest = withRawBytes(argv.slice(id.split(':').length));
    await command.launch(rest, lightConfig(packageRoot), interruption);
  });
}

function shown(word: string): string {
  return visibleText(withoutSecrets(word));
}

/** The longest command whose words the arguments begin with; else the first word. */
function commandId(argv: readonly string[], commands: CommandTable): string {
  const two = argv.slice(0, 2).join(':');
  return two in commands ? two : (argv[0] ?? '');
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--help');
}

/** oclif writes and does not wait: what goes wrong is told and ends it here. */
function leaveOclif(error: unknown, argv: readonly string[]): void {
  tell(error, argv);
  process.exit(settledStatus());
}

function writeVersion(packageRoot: string): Promise<void> {
  guardOutput();
  return writeChunk(process.stdout, `${userAgent(readPackage(packageRoot).version)}\n`);
}

function userAgent(version: string): string {
  return `hkfs/${version} ${process.platform}-${process.arch} node-${process.version}`;
}

function readPackage(packageRoot: string): { version: string } {
  return JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8')) as { version: string };
}

function unknownCommand(id: string, commands: CommandTable): HkfsError {
  const inTopic = Object.keys(commands).filter((name) => name.startsWith(`${id}:`));
  if (inTopic.length > 0)
    return new HkfsError('USAGE', `${id} is no command by itself`, {
      hint: `there are ${inTopic.map((name) => `hkfs ${name.replace(':', ' ')}`).join(', ')}`,
    });
  const near = Object.keys(commands).find((name) => isNear(name, id));
  return new HkfsError('USAGE', `there is no command "${id}"`, {
    hint:
      near === undefined ? 'hkfs help lists the commands.' : `Did you mean "${near}"? hkfs help lists all.`,
  });
}

/** One letter more, less or other, or two swapped. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const [x, y] = [a.slice(same), b.slice(same)];
  const oneEdit = x.slice(1) === y.slice(1) || x === y.slice(1) || x.slice(1) === y;
  return oneEdit || (x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2));
}

/** The part of oclif's configuration that parsing and running one command reads. */
function lightConfig(packageRoot: string): Config {
  const light: Partial<Config> = {
    bin: 'hkfs',
    name: 'hkfs',
    root: packageRoot,
    topicSeparator: ':',
    runHook: () => Promise.resolve({ successes: [], failures: [] }),
    scopedEnvVar: () => undefined,
    scopedEnvVarKeys: () => [],
  };
  return light as Config;
}
