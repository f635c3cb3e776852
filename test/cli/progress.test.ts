import { describe, expect, test } from '@jest/globals';

import type { Progress } from '../../src/archive/api.js';
import { chooseStyle, createProgressView, type ProgressStyle } from '../../src/cli/progress.js';

const MIB = 1024 ** 2;

function play(style: ProgressStyle, columns = 200) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const view = createProgressView(style, {
    write: (text) => written.push(text),
    now: () => clock.ms,
    columns: () => columns,
  });
  return { written, clock, view };
}

function at(seconds: number, total = true): Progress {
  return {
    phase: 'reading',
    files: seconds,
    bytes: seconds * MIB,
    totalFiles: total ? 100 : null,
    totalBytes: total ? 100 * MIB : null,
    current: 'photos/a\nb.jpg',
  };
}

test('auto is a bar on a terminal and plain lines elsewhere; a named style stays', () => {
  expect(chooseStyle('auto', true)).toBe('bar');
  expect(chooseStyle('auto', false)).toBe('plain');
  expect(chooseStyle('none', true)).toBe('none');
});

describe('a bar', () => {
  test('shows share, files, bytes, rate, time left and the visible name of what is read', () => {
    const { written, clock, view } = play('bar');
    for (clock.ms = 0; clock.ms <= 25_000; clock.ms += 1000) view.update(at(clock.ms / 1000));
    expect(written.at(-1)).toBe(
      '\r\u001b[K[======                  ]  25 %  reading: 25/100 files, 25.0 MiB of 100 MiB, 1.0 MiB/s, 1 min 15 s left  photos/a\\nb.jpg',
    );
  });

  test('is drawn ten times a second at most', () => {
    const { written, clock, view } = play('bar');
    for (clock.ms = 0; clock.ms < 1000; clock.ms++) view.update(at(1));
    expect(written).toHaveLength(10);
  });

  test('never fills the last column of the terminal', () => {
    const { written, view } = play('bar', 40);
    view.update(at(1));
    expect(written[0].replace('\r\u001b[K', '')).toHaveLength(39);
  });

  test('is wiped before a message and at the end', () => {
    const { written, view } = play('bar');
    view.message({ level: 'warning', code: 'UNSTABLE', path: 'a\nb', text: 'changes while read' });
    view.stop();
    expect(written).toEqual([
      '\r\u001b[Khkfs: warning: a\\nb: changes while read [UNSTABLE]\n',
      '\r\u001b[K',
    ]);
  });

  test('claims no share and no end while the totals are unknown', () => {
    const { written, clock, view } = play('bar');
    view.update(at(0, false));
    clock.ms = 1000;
    view.update(at(1, false));
    expect(written.at(-1)).toBe('\r\u001b[Kreading: 1 file, 1.0 MiB, 1.0 MiB/s  photos/a\\nb.jpg');
  });

  test('follows a rate that changes: an old pause does not slow it for ever', () => {
    const { written, clock, view } = play('bar');
    view.update(at(0));
    for (let second = 600; second <= 620; second++) {
      clock.ms = second * 1000;
      view.update(at(second - 590));
    }
    expect(written.at(-1)).toContain('1.0 MiB/s');
  });
});

test('plain lines come every five seconds, the first after five', () => {
  const { written, clock, view } = play('plain');
  for (clock.ms = 0; clock.ms <= 12_000; clock.ms += 500) view.update(at(clock.ms / 1000, false));
  view.stop();
  expect(written).toHaveLength(2);
  expect(written[0]).toMatch(/^hkfs: reading: .*\n$/);
});

test('json rows carry the numbers, and messages are rows too', () => {
  const { written, clock, view } = play('json');
  clock.ms = 1000;
  view.update(at(1));
  view.message({ level: 'note', code: 'X', text: 'y' });
  expect(written.map((line) => JSON.parse(line))).toEqual([
    { progress: { ...at(1), bytesPerSecond: 0, secondsLeft: null } },
    { message: { level: 'note', code: 'X', text: 'y' } },
  ]);
});

test('none shows no progress, and still says what went wrong', () => {
  const { written, clock, view } = play('none');
  for (clock.ms = 0; clock.ms < 60_000; clock.ms += 100) view.update(at(1));
  expect(written).toEqual([]);
  view.message({ level: 'warning', code: 'X', text: 'y' });
  expect(written).toEqual(['hkfs: warning: y [X]\n']);
});
