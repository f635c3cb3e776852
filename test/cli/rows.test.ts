import { describe, expect, test } from '@jest/globals';

import { writeAll, writeBytes } from '../../src/cli/output.js';
import { jsonRow, writeJsonRows, writeNullPaths } from '../../src/cli/rows.js';

/** A stream that remembers what it took, one chunk at a time, and may break. */
function sink(options: { failAfter?: number } = {}) {
  const taken: Buffer[] = [];
  let open = 0;
  let mostOpen = 0;
  return {
    bytes: () => Buffer.concat(taken),
    writes: () => taken.length,
    mostOpen: () => mostOpen,
    write(chunk: string | Uint8Array, done: (error?: Error | null) => void): boolean {
      mostOpen = Math.max(mostOpen, ++open);
      setImmediate(() => {
        open--;
        if (taken.length >= (options.failAfter ?? Infinity))
          return done(Object.assign(new Error(), { code: 'EPIPE' }));
        taken.push(Buffer.from(chunk));
        return done();
      });
      return false;
    },
  };
}

async function* from<T>(...items: T[]): AsyncIterable<T> {
  yield* items;
}

describe('JSON rows', () => {
  test('each row is one line, whatever its strings hold', async () => {
    const out = sink();
    expect(await writeJsonRows(out, from({ path: 'a\nb' }, { path: 'c' }))).toBe(2);
    expect(out.bytes().toString()).toBe('{"path":"a\\nb"}\n{"path":"c"}\n');
  });

  test('a name that is not UTF-8 is escaped as \\udcXX and comes back the same', () => {
    expect(jsonRow({ path: 'x\udcff' })).toBe('{"path":"x\\udcff"}\n');
    expect(JSON.parse(jsonRow({ path: 'x\udcff' }))).toEqual({ path: 'x\udcff' });
  });

  test('a BigInt is refused instead of losing digits', () => {
    expect(() => jsonRow({ size: 1n })).toThrow(TypeError);
  });
});

test('paths under --null are raw bytes that each end with a NUL', async () => {
  const out = sink();
  await writeNullPaths(out, from({ path: 'a\nb' }, { path: 'x\udcff' }));
  expect(out.bytes()).toEqual(Buffer.from([0x61, 0x0a, 0x62, 0, 0x78, 0xff, 0]));
});

describe('back-pressure', () => {
  test('many small rows become few writes, and only one is under way at a time', async () => {
    const out = sink();
    const row = `${'x'.repeat(99)}\n`;
    const rows = Array.from({ length: 10_000 }, () => row);
    expect(await writeAll(out, from(...rows))).toBe(10_000);
    expect(out.bytes().length).toBe(1_000_000);
    expect(out.writes()).toBeLessThan(20);
    expect(out.mostOpen()).toBe(1);
  });

  test('a reader that goes away stops the source', async () => {
    let made = 0;
    async function* endless(): AsyncIterable<Uint8Array> {
      for (;;) yield Buffer.alloc(1, made++);
    }
    await expect(writeBytes(sink({ failAfter: 3 }), endless())).rejects.toMatchObject({ code: 'EPIPE' });
    expect(made).toBe(4);
  });

  test('what came before a failure of the source is still written', async () => {
    const out = sink();
    async function* failing(): AsyncIterable<string> {
      yield 'first\n';
      throw new Error('broken source');
    }
    await expect(writeAll(out, failing())).rejects.toThrow('broken source');
    expect(out.bytes().toString()).toBe('first\n');
  });
});
