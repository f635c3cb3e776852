/** Remotes and bundles of strangers: whatever their log says, nothing outside of what they are given changes. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventLog } from '../../src/events/log.js';
import type { HkfsEvent } from '../../src/events/types.js';
import { CraftedRemote } from '../archive/remote/crafted-remote.js';
import { Victim } from '../archive/remote/stranger.js';
import { withScratch } from '../archive/scratch.js';
import { hostileSteps, nextEvent, soFar, type HostileStep } from '../projections/judge/hostile-events.js';
import { PlainJudge } from '../projections/judge/plain-judge.js';
import { runs } from '../projections/property.js';
import { CREATED, directory, file, rename } from '../projections/records.js';
import { hkfs } from './hkfs.js';

const STARTED: HkfsEvent = {
  type: 'operation.started',
  ...{ operation: 1, command: 'ingest', args: [], user: 'u', host: 'h', sources: [] },
};
const COMMIT = 7;

describe('a log of random events, rightly signed by a stranger,', () => {
  test('is refused or passes every question, and nothing changes where nothing should', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          steps: hostileSteps,
          /** How often what could not come next is left in nevertheless: once in so many times. */
          bad: fc.constantFrom(1, 4, 1000),
          cut: fc.double({ min: 0, max: 1, noNaN: true }),
          by: fc.constantFrom('pull' as const, 'bundle' as const),
        }),
        ({ steps, bad, cut, by }) =>
          withScratch(async (scratch) => {
            const victim = new Victim(join(scratch, 'home'));
            const remote = new CraftedRemote(join(scratch, 'home/remote'));
            const events = eventsOf(steps, bad, contentsOf(remote));
            const half = Math.ceil(events.length * cut);
            publish(remote, [
              { ...CREATED, archiveId: remote.id } as HkfsEvent,
              STARTED,
              ...events.slice(0, half),
            ]);
            const clone = await victim.clone(remote);
            const catalogue = await victim.clone(remote, true);
            if (clone !== null) await victim.useAll(clone);
            if (catalogue !== null) await victim.fetch(catalogue);
            if (half === events.length) return;
            publish(remote, events.slice(half));
            const url = by === 'pull' ? remote.url : await remote.bundle(`${victim.target()}.hkfs`);
            if (catalogue !== null) await victim.pull(catalogue, url);
            if (clone !== null && (await victim.pull(clone, url))) await victim.useAll(clone);
          }),
      ),
      { ...runs(4, 400), endOnFailure: true },
    );
  });
});

describe('a stranger’s log with a name that leads out', () => {
  const OUT = '../../decoy';
  const created = (id: string): HkfsEvent => ({ ...CREATED, archiveId: id }) as HkfsEvent;

  test('is refused by clone with the event’s position; the directory may become a clone of another', async () => {
    await withScratch(async (scratch) => {
      const victim = new Victim(join(scratch, 'home'));
      const [bad, good] = ['bad', 'good'].map(
        (name) => new CraftedRemote(join(scratch, 'home/remote', name)),
      );
      publish(bad!, [created(bad!.id), STARTED, directory(0, OUT), file(2, 'x', EMPTY)]);
      publish(good!, [created(good!.id), STARTED, directory(0, 'd')]);
      const target = victim.target();
      const refused = hkfs(['clone', bad!.url, target]);
      expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('event 2 ') });
      expect(refused.stderr).toContain('[LOG_DAMAGED]');
      victim.expectUnchanged();
      expect(fs.existsSync(join(target, '.hkfs/archive.json'))).toBe(false);
      expect(hkfs(['clone', bad!.url, target])).toMatchObject({ status: 4 });
      fs.rmSync(target, { recursive: true });
      expect(hkfs(['clone', good!.url, target])).toMatchObject({ status: 0 });
      victim.expectUnchanged();
    });
  });

  test('is refused by pull and bundle apply before anything of it is in the log', async () => {
    await withScratch(async (scratch) => {
      const victim = new Victim(join(scratch, 'home'));
      const remote = new CraftedRemote(join(scratch, 'home/remote'));
      publish(remote, [created(remote.id), STARTED, directory(0, 'd'), file(2, 'x', EMPTY)]);
      const target = victim.target();
      expect(hkfs(['clone', remote.url, target])).toMatchObject({ status: 0 });
      const head = hkfs(['head', '-a', target]).stdout;
      publish(remote, [rename([2, 'x'], [0, OUT])]);
      const bundle = await remote.bundle(`${victim.target()}.hkfs`);
      for (const words of [['pull'], ['bundle', 'apply', bundle]]) {
        const refused = hkfs([...words, '-a', target]);
        expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('event 4 ') });
        expect(hkfs(['head', '-a', target]).stdout).toBe(head);
      }
      expect(hkfs(['verify', '-a', target])).toMatchObject({ status: 0 });
      victim.expectUnchanged();
    });
  });

  test('is left out of what all archives of a remote are asked, with exit 4', async () => {
    await withScratch(async (scratch) => {
      const victim = new Victim(join(scratch, 'home'));
      const remote = new CraftedRemote(join(scratch, 'home/remote'));
      publish(remote, [created(remote.id), STARTED, directory(0, OUT)]);
      const own = victim.target();
      expect(hkfs(['init', own])).toMatchObject({ status: 0 });
      expect(hkfs(['remote', 'add', 'disk', remote.url, '-a', own])).toMatchObject({ status: 0 });
      const asked = hkfs(['find', '--remote', 'disk', '-a', own]);
      expect(asked).toMatchObject({ status: 4, stderr: expect.stringContaining('event 2 ') });
      victim.expectUnchanged();
    });
  });

  test('in an archive that is handed over as a directory, is told by verify and joined to nothing', async () => {
    await withScratch(async (scratch) => {
      const victim = new Victim(join(scratch, 'home'));
      const own = victim.target();
      expect(hkfs(['init', own])).toMatchObject({ status: 0 });
      const log = await EventLog.open(join(own, '.hkfs/log'));
      const events = [STARTED, directory(0, OUT), file(2, 'a', EMPTY), file(0, '..', EMPTY)];
      await log.append(events, { timeMs: 1_700_000_000_000, operation: 1 });
      await log.close();
      for (const words of [
        ['restore', '/', '--to', victim.target()],
        ['replay', '--to', 'now', '--into', victim.target()],
        ['export', '/', '-o', `${victim.target()}.tar`],
      ])
        expect({ words, ...hkfs([...words, '-a', own]) }).toMatchObject({ words, status: 4 });
      const told = hkfs(['verify', '-a', own]);
      expect(told).toMatchObject({ status: 4 });
      expect(told.stdout + told.stderr).toMatch(/event 2 |leads elsewhere/);
      victim.expectUnchanged();
    });
  });
});

const EMPTY = { hash: null, size: 0 };

interface Content {
  readonly hash: string;
  readonly size: number;
}

function contentsOf(remote: CraftedRemote): Content[] {
  return ['one', 'another'].map((text) => ({ hash: remote.content(text), size: text.length }));
}

function eventsOf(steps: readonly HostileStep[], bad: number, contents: readonly Content[]): HkfsEvent[] {
  const events: HkfsEvent[] = [CREATED, STARTED];
  const plain = new PlainJudge();
  for (const [at, step] of steps.entries()) {
    const [event, ...before] = withContent(nextEvent(step, soFar(events)), contents[step.numbers[3] % 3]);
    if (!plain.takes(event, events.length + before.length) && at % bad !== bad - 1) continue;
    events.push(...before, event);
  }
  return events.slice(2);
}

/** @returns the event, and what comes before it */
function withContent(event: HkfsEvent, content: Content | undefined): [HkfsEvent, ...HkfsEvent[]] {
  if (event.type !== 'file.ingested' || content === undefined) return [event];
  return [
    { ...event, ...content },
    { type: 'object.stored', ...content, device: 1n, inode: BigInt(content.size) },
  ];
}

function publish(remote: CraftedRemote, events: readonly HkfsEvent[]): void {
  for (let at = 0; at < events.length;) {
    // The first event is of no operation.
    const isFirst = remote.size === 0;
    const next = events.slice(at, at + (isFirst ? 1 : COMMIT));
    remote.commit(next, { operation: isFirst ? 0 : 1 });
    at += next.length;
  }
  remote.publish();
}
