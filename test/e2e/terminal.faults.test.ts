/** Names that would obey, hide or forge something on a terminal: no command lets them through. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/main.js';
import { hasTool, scratchDirectory } from '../fs/scratch.js';
import { hkfs, sh, testWhere, type Run } from './hkfs.js';

const EVIL = '\u001b[2J\u001b]0;owned\u0007\r\nforged line\u009b31m\u202egpj.\u061c\u2028\u007f\ufeff';
const RAW = Buffer.concat([Buffer.from('raw\x9b31m', 'latin1'), Buffer.from(EVIL)]);

const isHeavy = process.env.HKFS_HEAVY === '1';
/** Of the others the light form takes the first line. */
const ALWAYS = new Set(['ls', 'cat', 'prove', 'help']);

const scratch = scratchDirectory();
let path: string;
let root: string;
let home: string;

beforeAll(() => {
  path = fs.mkdtempSync(join(scratch.path, 'evil-'));
  root = join(path, `archive ${EVIL.replaceAll('/', '')}`);
  home = join(path, `home ${EVIL}`);
  const inside = join(home, `dir ${EVIL}`);
  fs.mkdirSync(inside, { recursive: true });
  fs.mkdirSync(join(home, `other ${EVIL}`));
  fs.writeFileSync(join(inside, `a ${EVIL}`), 'content');
  fs.writeFileSync(join(home, `other ${EVIL}`, `a ${EVIL}`), 'content');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${home}/`), RAW]), 'raw');
  fs.symlinkSync(`nowhere ${EVIL}`, join(home, `link ${EVIL}`));
  fs.mkdirSync(join(path, 'remote'));
  for (const args of [
    ['init', root],
    ['ingest', home, '-a', root],
    ['remote', 'add', 'r', join(path, 'remote'), '-a', root],
    ['backup', 'r', '-a', root],
  ])
    expect(hkfs(args)).toMatchObject({ status: 0 });
  fs.appendFileSync(join(home, `dir ${EVIL}`, `a ${EVIL}`), ' more');
  execFileSync('cp', ['-a', home, `${home} 2`]);
}, 60_000);

const top = `home ${EVIL}`;
const file = `${top}/dir ${EVIL}/a ${EVIL}`;
const nosuch = `no such ${EVIL}`;

/** Each command at least once; what most say of names, and how they refuse one. */
function commandLines(): Record<string, readonly (readonly string[])[]> {
  const out = (name: string): string => join(path, `${name} ${EVIL}`);
  return {
    ls: [
      ['ls', '-R'],
      ['ls', nosuch],
      ['ls', `--${EVIL}`],
      ['ls', '-R', '--json'],
    ],
    stat: [
      ['stat', `/${file}`],
      ['stat', nosuch],
    ],
    find: [
      ['find', '--name', 'a*'],
      ['find', nosuch],
    ],
    cat: [
      ['cat', nosuch],
      ['cat', `/${top}`],
    ],
    du: [
      ['du', '--depth', '3'],
      ['du', nosuch],
    ],
    dups: [['dups'], ['dups', '--all'], ['dups', nosuch]],
    unique: [
      ['unique', `/${top}`],
      ['unique', nosuch],
    ],
    similar: [
      ['similar', `/${top}/dir ${EVIL}`],
      ['similar', nosuch],
    ],
    contains: [
      ['contains', home, '--where'],
      ['contains', nosuch],
    ],
    copies: [['copies'], ['copies', nosuch]],
    orphans: [['orphans']],
    log: [['log'], ['log', `/${file}`], ['log', nosuch]],
    ops: [['ops']],
    show: [
      ['show', '1'],
      ['show', EVIL],
    ],
    diff: [
      ['diff', 'op:0', 'op:1'],
      ['diff', EVIL],
    ],
    head: [['head'], ['head', EVIL]],
    prove: [
      ['prove', '@3', '-o', out('proof')],
      ['prove', EVIL],
    ],
    'check-proof': [
      ['check-proof', out('proof')],
      ['check-proof', nosuch],
    ],
    tag: [
      ['tag', 'good'],
      ['tag', EVIL],
    ],
    ingest: [
      ['ingest', home],
      ['ingest', nosuch],
      ['ingest', `${home} 2`, '--mirror', '--to', top, '--dry-run'],
    ],
    sync: [['sync', '--dry-run']],
    verify: [['verify'], ['verify', '--remote', 'r'], ['verify', '--remote', EVIL]],
    heal: [['heal'], ['heal', nosuch]],
    restore: [
      ['restore', `/${top}`, '--to', out('restored')],
      ['restore', nosuch, '--to', out('x')],
    ],
    export: [
      ['export', '/', '-o', out('tar')],
      ['export', nosuch],
    ],
    mv: [
      ['mv', `/${top}/link ${EVIL}`, `/${top}/moved ${EVIL}`],
      ['mv', nosuch, '/x'],
    ],
    rm: [
      ['rm', `/${top}/moved ${EVIL}`, '--dry-run'],
      ['rm', `/${top}/moved ${EVIL}`, '--yes'],
      ['rm', nosuch],
    ],
    undo: [
      ['undo', '--dry-run'],
      ['undo', EVIL],
    ],
    prune: [
      ['prune', `/${top}/other ${EVIL}`, '--dry-run'],
      ['prune', nosuch],
    ],
    gc: [['gc', '--dry-run']],
    replay: [
      ['replay', '--check'],
      ['replay', '--into', out('replayed')],
    ],
    backup: [
      ['backup', 'r'],
      ['backup', EVIL],
    ],
    'remote:add': [
      ['remote', 'add', EVIL, out('remote')],
      ['remote', 'add', 'e', out('remote')],
    ],
    'remote:ls': [['remote', 'ls']],
    'remote:compact': [
      ['remote', 'compact', 'r', '--dry-run'],
      ['remote', 'compact', EVIL],
    ],
    'remote:rm': [
      ['remote', 'rm', 'e'],
      ['remote', 'rm', EVIL],
    ],
    'bundle:create': [['bundle', 'create', out('bundle')]],
    clone: [
      ['clone', join(path, 'remote'), out('clone')],
      ['clone', nosuch, out('x')],
    ],
    pull: [
      ['pull', join(path, 'remote')],
      ['pull', nosuch],
    ],
    'bundle:apply': [
      ['bundle', 'apply', out('bundle')],
      ['bundle', 'apply', nosuch],
    ],
    fetch: [
      ['fetch', `/${top}`],
      ['fetch', nosuch],
    ],
    recover: [
      ['recover', '--dry-run'],
      ['recover', '--from', nosuch],
    ],
    init: [
      ['init', root],
      ['init', out('new')],
    ],
    help: [['help', EVIL], [EVIL, '--help'], [EVIL], ['autocomplete', EVIL]],
  };
}

test('there is a command line here for each command', () => {
  expect(Object.keys(commandLines()).toSorted()).toEqual([...Object.keys(COMMANDS), 'help'].toSorted());
});

const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff]/u;

function expectHarmless(text: string, args: readonly string[]): void {
  const shown = { args, hidden: OBEYED.exec(text)?.[0] ?? null, forged: /^\s*forged/m.test(text) };
  expect(shown).toEqual({ args, hidden: null, forged: false });
}

function runAt(args: readonly string[]): Run {
  const needsNone = ['init', 'clone', 'check-proof', 'help', 'autocomplete', EVIL].includes(args[0]!);
  return hkfs(args, { env: needsNone ? {} : { HKFS_ARCHIVE: root }, cwd: path });
}

test('no command writes what a terminal would obey, in answers, messages, plans and errors', () => {
  let told = 0;
  for (const [name, all] of Object.entries(commandLines()))
    for (const args of isHeavy || ALWAYS.has(name) ? all : all.slice(0, 1)) {
      const { status, stdout, stderr } = runAt(args);
      expect({ args, status }).not.toMatchObject({ status: 70 });
      expectHarmless(stdout, args);
      expectHarmless(stderr, args);
      if ((stdout + stderr).includes('forged')) told += 1;
    }
  expect(told).toBeGreaterThan(isHeavy ? 40 : 20);
}, 120_000);

const onTerminal = testWhere(hasTool('script'), 'there is no script (util-linux) to make a terminal');

onTerminal(
  'on a terminal there are colours and the line of progress besides, and nothing else',
  () => {
    for (const args of [
      ['ls', '-R'],
      ['log'],
      ['dups'],
      ['dups', '--format', 'script'],
      ['du'],
      ['ingest', home],
    ]) {
      const words = [process.execPath, join(import.meta.dirname, '../../bin/run.js'), ...args];
      const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      fs.writeFileSync(join(path, 'run.sh'), `cd /; export HKFS_ARCHIVE='${root}'; ${command}\n`);
      const text = sh(`TERM=xterm script -qec 'sh ${path}/run.sh' /dev/null </dev/null || true`);
      // eslint-disable-next-line no-control-regex
      const rest = text
        .replace(/\r\u001b\[K/g, '\n')
        .replace(/\r+\n/g, '\n')
        .replace(/\u001b\[\d+m/g, '');
      if (args[0] !== 'ingest') expect(rest).toContain('forged');
      expectHarmless(rest, args);
    }
  },
  60_000,
);
