/** The heavy suites in parts: what is packed, skipped, chosen and counted; and the script on a checkout of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

interface TestFile {
  readonly suite: string;
  readonly file: string;
}
interface Unit extends TestFile {
  readonly name: string;
  readonly index: number;
  readonly of: number;
  readonly seconds: number;
}
interface Part {
  readonly name: string;
  readonly suite: string;
  readonly seconds: number;
  readonly units: readonly Unit[];
}
interface Total {
  readonly part: string;
  readonly unit: string;
  readonly suite: string;
  readonly seed: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly commit: string;
}
interface Plan {
  unitsToRun(
    files: readonly TestFile[],
    totals: readonly Total[],
    run: { commit: string; seed: number; limit: number },
  ): Unit[];
  pack(units: readonly Unit[], limit: number): Part[];
  partsOf(units: readonly Unit[], limit: number, only?: string): Part[];
  titlesOf(titles: readonly string[], chunk: { index: number; of: number }): string[];
  patternOf(titles: readonly string[]): string;
  countsOf(report: object, titles?: readonly string[]): { passed: number; failed: number; skipped: number };
  summaryOf(totals: readonly Total[]): object[];
}

const root = join(import.meta.dirname, '../..');
// Variables, because the scripts have no types.
const [plan, suites]: [string, string] = ['plan', 'suites'].map((name) =>
  join(root, `scripts/heavy/${name}.mjs`),
) as [string, string];
const { unitsToRun, pack, partsOf, titlesOf, patternOf, countsOf, summaryOf } = (await import(plan)) as Plan;
const { heavyFiles } = (await import(suites)) as { heavyFiles: (root: string) => TestFile[] };

const MINUTE = 60;
const RUN = { commit: 'c1', seed: 7, limit: 40 * MINUTE };
const crash = (name: string): TestFile => ({ suite: 'crash', file: `test/crash/${name}.test.ts` });
const total = (unit: string, more: Partial<Total> = {}): Total => ({
  ...{ part: 'p', unit, suite: 'crash', seed: RUN.seed, commit: RUN.commit },
  ...{ passed: 1, failed: 0, skipped: 0, seconds: 100, ...more },
});
const namesOf = (units: readonly Unit[]): string[] => units.map(({ name }) => name);
const [a, b, c] = ['a', 'b', 'c'].map(crash) as [TestFile, TestFile, TestFile];

describe('units that are still to be run', () => {
  test('are all but those that passed at this commit with this seed', () => {
    const totals = [total(a.file), total(b.file, { failed: 1 }), total(c.file, { seed: 8 })];
    expect(namesOf(unitsToRun([a, b, c], totals, RUN))).toEqual([b.file, c.file]);
    expect(namesOf(unitsToRun([a, b, c], totals, { ...RUN, commit: 'c2' }))).toEqual(
      [a, b, c].map(({ file }) => file),
    );
  });

  test('have those in which nothing ran, and not those that were skipped with a reason', () => {
    const totals = [total(a.file, { passed: 0 }), total(b.file, { passed: 0, skipped: 3 })];
    expect(namesOf(unitsToRun([a, b], totals, RUN))).toEqual([a.file]);
  });

  test('take the seconds that they took last, whatever the commit and the seed', () => {
    const totals = [
      total(a.file, { seconds: 5, commit: 'c0' }),
      total(a.file, { seconds: 9, commit: 'c0', seed: 1 }),
    ];
    expect(unitsToRun([a], totals, RUN)).toMatchObject([{ name: a.file, of: 1, seconds: 9 }]);
  });

  test('are chunks where a file took longer than a part may', () => {
    const totals = [total(a.file, { seconds: 90 * MINUTE, commit: 'c0' })];
    expect(namesOf(unitsToRun([a], totals, RUN))).toEqual([1, 2, 3].map((chunk) => `${a.file}#${chunk}/3`));
  });

  test('stay in as many chunks as they were begun in, and are measured again once all are done', () => {
    const seconds = 10;
    const first = [
      total(a.file, { seconds: 90 * MINUTE, commit: 'c0' }),
      total(`${a.file}#2/3`, { seconds }),
    ];
    const later = [...first, total(a.file, { seconds: 10 * MINUTE, commit: 'c0' })];
    for (const totals of [first, later])
      expect(namesOf(unitsToRun([a], totals, RUN))).toEqual([`${a.file}#1/3`, `${a.file}#3/3`]);
    const all = [1, 2, 3].map((chunk) => total(`${a.file}#${chunk}/3`, { seconds }));
    expect(unitsToRun([a], all, RUN)).toEqual([]);
    expect(unitsToRun([a], all, { ...RUN, seed: 8 })).toMatchObject([{ name: a.file, seconds: 30 }]);
  });
});

describe('parts', () => {
  const unit = (name: string, minutes: number, suite = 'crash'): Unit => ({
    ...{ suite, file: name, name, index: 0, of: 1, seconds: minutes * MINUTE },
  });
  const many = Array.from({ length: 40 }, (_, at) =>
    unit(`f${at}`, 1 + ((at * 7) % 20), at % 3 === 0 ? 'long' : 'crash'),
  );

  test('have each unit once, are of one suite, and stay below their minutes', () => {
    const parts = pack(many, RUN.limit);
    expect(parts.flatMap(({ units }) => namesOf(units)).sort()).toEqual(namesOf(many).sort());
    for (const { suite, seconds, units } of parts) {
      expect(new Set(units.map((each) => each.suite))).toEqual(new Set([suite]));
      expect(seconds).toBeLessThan(RUN.limit);
    }
    expect(parts.length).toBeLessThan(20);
  });

  test('are the same, by the same names, when one of them is done', () => {
    const parts = pack(many, RUN.limit);
    for (const done of parts) {
      const rest = many.filter((each) => !done.units.includes(each));
      expect(pack(rest, RUN.limit)).toEqual(parts.filter((part) => part !== done));
    }
  });

  test('are alone where they are longer than a part may be', () => {
    expect(pack([unit('x', 50), unit('y', 1)], RUN.limit).map(({ units }) => namesOf(units))).toEqual([
      ['x'],
      ['y'],
    ]);
  });

  test('are chosen by their name, their suite, or what is in the path of a file', () => {
    const parts = pack(many, RUN.limit);
    expect(partsOf(many, RUN.limit)).toEqual(parts);
    expect(partsOf(many, RUN.limit, parts[1]!.name)).toEqual([parts[1]]);
    expect(partsOf(many, RUN.limit, 'long')).toEqual(parts.filter(({ suite }) => suite === 'long'));
    expect(partsOf(many, RUN.limit, 'f11').flatMap(({ units }) => namesOf(units))).toEqual(['f11']);
    expect(partsOf(many, RUN.limit, 'nothing of the kind')).toEqual([]);
  });
});

describe('chunks of a file', () => {
  const titles = Array.from({ length: 10 }, (_, at) => `title ${at} (a|b)*? [^c] $1.\\/{2}`);

  test.each([1, 2, 3, 7, 10, 13])('of %d have each title once', (of) => {
    const chunks = Array.from({ length: of }, (_, index) => titlesOf([...titles, titles[0]!], { index, of }));
    expect(chunks.flat()).toEqual(titles);
  });

  test('are named to jest by a pattern that has those titles and no other', () => {
    const pattern = new RegExp(patternOf(titles.slice(0, 2)));
    expect(titles.filter((title) => pattern.test(title))).toEqual(titles.slice(0, 2));
    expect(pattern.test(`${titles[0]!} and more`)).toBe(false);
  });
});

describe('the counts of a run', () => {
  const tests = (...statuses: string[]): object[] =>
    statuses.map((status, at) => ({ fullName: `t${at}`, status }));
  const report = (statuses: string[], broken = 0): object => ({
    testResults: [{ assertionResults: tests(...statuses) }],
    numRuntimeErrorTestSuites: broken,
  });

  test('of a chunk leave out the tests of other chunks, and have those that were lost as failures', () => {
    const ran = report(['passed', 'pending', 'pending', 'failed']);
    expect(countsOf(ran)).toEqual({ passed: 1, failed: 1, skipped: 2 });
    expect(countsOf(ran, ['t0', 't1'])).toEqual({ passed: 1, failed: 0, skipped: 1 });
    expect(countsOf(ran, ['t0', 'gone'])).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  test('have a failure where a file cannot be loaded, or has no tests', () => {
    expect(countsOf(report([], 1)).failed).toBe(1);
    expect(countsOf(report([])).failed).toBe(1);
  });

  test('are summed up for each commit, seed and suite, of each unit the last', () => {
    const totals = [
      total('x', { failed: 2, seconds: 50 }),
      total('x', { passed: 3 }),
      total('y', { skipped: 1 }),
      total('y', { seed: 8 }),
    ];
    expect(summaryOf(totals)).toEqual([
      { commit: 'c1', seed: 7, suite: 'crash', units: 2, passed: 4, failed: 0, skipped: 1, seconds: 200 },
      { commit: 'c1', seed: 8, suite: 'crash', units: 1, passed: 1, failed: 0, skipped: 0, seconds: 100 },
    ]);
  });
});

describe('the files of the heavy suites', () => {
  const files = heavyFiles(root);

  test('are all of test/crash, of faults and of test/interop, and whatever else has a heavy form by itself or by an import', () => {
    const of = (suite: string): string[] =>
      files.filter((each) => each.suite === suite).map(({ file }) => file);
    expect(of('crash')).toEqual(
      expect.arrayContaining(['test/crash/kill-at-steps.test.ts', 'test/e2e/across.faults.test.ts']),
    );
    expect(of('interop')).toContain('test/interop/full.test.ts');
    expect(of('long')).toEqual(
      expect.arrayContaining(['test/archive/history.property.test.ts', 'test/archive/export-deep.test.ts']),
    );
    expect(of('long')).not.toContain('test/cli/format.test.ts');
  });

  test('are there wherever a time is known of one', () => {
    const known = readFileSync(plan, 'utf8').match(/test\/[\w/-]+(?:\.property)?\.test\.ts/g)!;
    expect(known.length).toBeGreaterThan(8);
    const there = new Set(files.map(({ file }) => file));
    expect(known.filter((file) => !there.has(file))).toEqual([]);
  });
});

test('a property with many more runs in its heavy form has no time limit that is that of the light one', () => {
  const limited = heavyFiles(root)
    .map(({ file }) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
    .filter(({ text }) => /\bruns\(/.test(text) && /^ *\}?(?:, )?[\d_]+_000(?:\);|,)$/m.test(text));
  expect(limited.map(({ file }) => file)).toEqual([]);
});

describe('npm run test:heavy', () => {
  let box: string;
  const { HKFS_SUITE: _suite, HKFS_HEAVY: _heavy, HKFS_SEED: _seed, ...outside } = process.env;
  const heavy = (env: Record<string, string>, ...args: string[]): { status: number | null; out: string } => {
    const words = [join(box, 'scripts/heavy.mjs'), '--totals', join(box, '../totals.jsonl'), ...args];
    const run = spawnSync(process.execPath, words, { encoding: 'utf8', env: { ...outside, ...env } });
    return { status: run.status, out: run.stdout + run.stderr };
  };
  const totals = (): Total[] =>
    readFileSync(join(box, '../totals.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Total);
  const write = (name: string, ...tests: string[]): void => {
    mkdirSync(join(box, 'test', name, '..'), { recursive: true });
    const imports = `import { expect, test } from '@jest/globals';\n`;
    writeFileSync(join(box, `test/${name}.test.ts`), imports + tests.join('\n'));
  };

  beforeAll(() => {
    box = join(mkdtempSync(join(tmpdir(), 'hkfs-heavy-')), 'checkout');
    mkdirSync(box);
    for (const name of ['scripts/heavy', 'scripts/heavy.mjs', 'jest.config.js', 'package.json'])
      cpSync(join(root, name), join(box, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(box, 'node_modules'));
    writeFileSync(join(box, '.gitignore'), 'node_modules\n');
    write(
      'crash/good',
      `test('heavy', () => expect([process.env.HKFS_SUITE, process.env.HKFS_SEED]).toEqual(['heavy', '5']));`,
      `test.skip('skipped', () => {});`,
    );
    write('interop/bad', `test('sometimes', () => expect(process.env.WELL).toBe('yes'));`);
    write(
      'long',
      `test('long', () => expect([process.env.HKFS_HEAVY, process.env.HKFS_SUITE]).toEqual(['1', undefined]));`,
    );
    write('usual', `test('usual', () => expect(1).toBe(2));`);
    execFileSync('git', ['init', '-q', box]);
    const commit = ['-c', 'user.name=x', '-c', 'user.email=x', 'commit', '-qm', 'x', '--allow-empty'];
    execFileSync('git', ['-C', box, ...commit]);
  });
  afterAll(() => rmSync(join(box, '..'), { recursive: true }));

  test('runs what has a heavy form, tells the failure, and goes on with that alone', () => {
    const first = heavy({ WELL: 'no' }, '--seed', '5');
    expect(first.status).toBe(1);
    expect(first.out).toMatch(
      /test\/interop\/bad\.test\.ts: 0 passed, 1 failed[^]*sometimes[^]*left: test\/interop\/bad/,
    );
    const counts = totals().map(
      ({ unit, passed, failed, skipped }) => `${unit} ${passed} ${failed} ${skipped}`,
    );
    expect(new Set(counts)).toEqual(
      new Set(['test/crash/good.test.ts 1 0 1', 'test/interop/bad.test.ts 0 1 0', 'test/long.test.ts 1 0 0']),
    );
    expect(heavy({ WELL: 'yes' }, '--seed', '5').status).toBe(0);
    expect(totals().slice(3)).toMatchObject([
      { unit: 'test/interop/bad.test.ts', seed: 5, passed: 1, failed: 0 },
    ]);
    expect(heavy({}, '--seed', '5', '--list')).toEqual({ status: 0, out: '' });
    expect(heavy({}, '--seed', '6', '--list').out.split('\n')).toHaveLength(4);
    expect(heavy({}, '--summary').out).toMatch(/seed 5 crash: 1 units, 1 passed, 0 failed, 1 skipped/);
  }, 120_000);

  test('stops what takes longer than a part may, with a failure', () => {
    write('crash/hangs', `test('hangs', () => new Promise(() => setInterval(() => {}, 9)), 1e6);`);
    const known = total('test/crash/hangs.test.ts', { seconds: 2 });
    appendFileSync(join(box, '../totals.jsonl'), `${JSON.stringify(known)}\n`);
    const { status, out } = heavy({}, '--only', 'crash/hangs', '--minutes', '0.1', '--seed', '5');
    expect(status).toBe(1);
    expect(out).toMatch(/took longer than 0\.1 minutes/);
  }, 120_000);

  test('refuses what it does not know', () => {
    for (const args of [['--nonsense'], ['--seed', 'x'], ['--minutes', '0'], ['--only', 'nosuch']])
      expect(heavy({}, ...args)).toMatchObject({ status: 2, out: expect.stringMatching(/usage/) });
  });
});
