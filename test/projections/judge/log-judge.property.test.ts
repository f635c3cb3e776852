import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EventRecord } from '../../../src/events/types.js';
import { isValidName } from '../../../src/fs/names.js';
import { whyNoEvent } from '../../../src/projections/judge/judge-fields.js';
import { isRefusal, LogJudge } from '../../../src/projections/judge/log-judge.js';
import { Namespace, ROOT } from '../../../src/projections/namespace.js';
import type { Views } from '../../../src/projections/views.js';
import { collect } from '../../archive/scratch.js';
import { history } from '../histories.js';
import { runs } from '../property.js';
import { CREATED, withViews } from '../records.js';
import { hostileSteps, nextEvent, numbered, soFar, tame, type HostileStep } from './hostile-events.js';
import { PlainJudge } from './plain-judge.js';

describe('a judge of logs', () => {
  test('takes every history that can be, whether the views have the beginning or nothing of it', async () => {
    await fc.assert(
      fc.asyncProperty(history(), fc.nat(40), async ({ records }, cut) => {
        const all = numbered(records.map(({ event }, at) => (at === 0 ? event : tame(event))));
        await new LogJudge(null).judge(all);
        const at = Math.min(cut, all.length);
        await withViews([], async (views) => {
          if (at > 0) await views.apply(all.slice(0, at));
          await new LogJudge(views.level).judge(all.slice(at));
        });
      }),
      runs(60),
    );
  });

  test('takes and refuses what a plain one does, with the views behind or ahead of it', async () => {
    await fc.assert(
      fc.asyncProperty(hostileSteps, async (steps) => {
        const taken = await judgedOneByOne(steps);
        await withViews([], async (views) => {
          await views.apply(taken);
          // As `verify` has it: the views know what comes later as well.
          await new LogJudge(views.level).judge(taken);
          await expectTree(views, taken.length);
        });
      }),
      runs(80),
    );
  });
});

/** Those that can come next, each as if the refused ones before it had never been. */
async function judgedOneByOne(steps: readonly HostileStep[]): Promise<EventRecord[]> {
  const plain = new PlainJudge();
  const alone = new LogJudge(null);
  const taken: EventRecord[] = [];
  await withViews([], async (views) => {
    const behind = new LogJudge(views.level, 4);
    for (const step of [null, ...steps]) {
      const event = step === null ? CREATED : nextEvent(step, soFar(taken.map((record) => record.event)));
      const [record] = numbered([event], taken.length);
      const isFine = whyNoEvent(record!) === null && plain.takes(event, taken.length);
      expect({ event, isTaken: await takes(alone, record!) }).toEqual({ event, isTaken: isFine });
      expect({ event, isTaken: await takes(behind, record!) }).toEqual({ event, isTaken: isFine });
      if (!isFine) continue;
      taken.push(record!);
      // Every third time the views have all of it.
      if (taken.length % 3 > 0) continue;
      await views.apply(taken);
      behind.forget(views.position);
    }
  });
  return taken;
}

async function takes(judge: LogJudge, record: EventRecord): Promise<boolean> {
  try {
    await judge.judge([record]);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    expect(error).toMatchObject({
      code: 'LOG_DAMAGED',
      message: expect.stringContaining(`event ${record.position} `),
    });
    return false;
  }
}

/** No name leads elsewhere, and no directory is twice or below itself. */
async function expectTree(views: Views, size: number): Promise<void> {
  const namespace = new Namespace(views.level, size - 1);
  const ids = new Set<number>();
  for (const { path, entry } of await collect(namespace.walk({ path: '', entry: ROOT }))) {
    expect(path.split('/').every((name) => isValidName(name)) && !path.startsWith('.hkfs/')).toBe(true);
    if (entry.directoryId === null) continue;
    expect(ids.has(entry.directoryId)).toBe(false);
    ids.add(entry.directoryId);
    expect(await namespace.pathOf(entry.directoryId)).toBe(path);
  }
}
