/** Whatever an earlier hkfs wrote, this one reads and goes on with. What this one writes: newest.faults.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';
import { LOG_FORMAT } from '../../src/events/log-open.js';
import { scratchDirectory } from '../fs/scratch.js';
import { holdTo } from './claims.js';
import { formats, run } from './fixture.js';

const scratch = scratchDirectory();

test('the format that this hkfs writes is among those that are kept', () => {
  const archive = join(scratch.path, 'new');
  run(archive, ['init', archive]);
  const { format } = JSON.parse(readFileSync(join(archive, '.hkfs/archive.json'), 'utf8')) as {
    format: number;
  };
  expect(formats).toContain(String(format));
  expect(formats).toContain(String(LOG_FORMAT));
});

for (const format of formats) if (Number(format) < LOG_FORMAT) holdTo(format);
