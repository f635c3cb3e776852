import { describe, expect, test } from '@jest/globals';

// A variable, because the bench has no types.
const script: string = './report.mjs';
const { withReport } = (await import(script)) as {
  withReport: (document: string, results: readonly object[]) => string;
};

const DOCUMENT = '# Bench\n\nText.\n\n## Last measured\n\nOld figures.\n';
const RUN = { user: 1, system: 0.5, peakBytes: 100 * 2 ** 20 };
const RESULT = {
  startedAt: '2026-11-21T10:00:00.000Z',
  smoke: false,
  million: false,
  runs: 3,
  machine: {
    cpu: 'A CPU',
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    system: 'Debian',
    kernel: '6.1',
    filesystem: 'ext4',
    node: 'v20',
  },
  versions: { hkfs: 'hkfs/1.0', restic: 'restic 0.14' },
  rows: [
    {
      name: 'link-small',
      title: 'Link',
      load: 0.1,
      sides: [{ name: 'hkfs ingest', runs: [1, 2, 3].map((seconds) => ({ seconds, ...RUN })) }],
      claims: [
        {
          text: 'hkfs ingest / restic backup',
          unit: 'ratio',
          value: 0.5,
          least: 0.4,
          greatest: 0.6,
          target: { sense: 'at most', limit: 0.8 },
          reached: true,
          margin: 0.375,
        },
      ],
    },
  ],
};

describe('the report', () => {
  test('replaces the last section and leaves the rest of the document', () => {
    const text = withReport(DOCUMENT, [RESULT]);
    expect(text.startsWith('# Bench\n\nText.\n\n## Last measured\n\n### 2026-11-21')).toBe(true);
    expect(text).not.toContain('Old figures');
    expect(withReport(text, [RESULT])).toBe(text);
  });

  test('says of each row what was measured, the target and the distance to it', () => {
    const text = withReport(DOCUMENT, [RESULT]);
    expect(text).toContain(
      '| link-small | hkfs ingest / restic backup | 0.50 (0.40–0.60) | at most 0.80 | reached, by 38 % |',
    );
    expect(text).toContain('| hkfs ingest | 2.00 s | 1.00–3.00 | 1.50 s | 100 MiB | 3 |');
    expect(text).toContain('A CPU, 2 cores, 8 GiB of memory; Debian, Linux 6.1, ext4; Node v20.');
  });

  test.each([
    ['a smoke run', { ...RESULT, smoke: true }, /smoke/],
    ['fewer than three runs', { ...RESULT, runs: 2 }, /at least 3/],
    ['a row that failed', { ...RESULT, rows: [{ ...RESULT.rows[0], failure: 'x' }] }, /link-small/],
  ])('is refused for %s', (_, result, message) => {
    expect(() => withReport(DOCUMENT, [result])).toThrow(message);
  });
});
