/** Remotes and bundles of strangers: whatever their log says, nothing outside of what they are given changes. */
import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import type { HkfsEvent } from '../../src/events/types.js';
import { CraftedRemote } from '../archive/remote/crafted-remote.js';
import { Victim } from '../archive/remote/stranger.js';
import { withScratch } from '../archive/scratch.js';
import { hostileSteps, nextEvent, soFar, type HostileStep } from '../projections/judge/hostile-events.js';
import { PlainJudge } from '../projections/judge/plain-judge.js';
import { runs } from '../projections/property.js';
import { CREATED } from '../projections/records.js';

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
            publish(remote, [CREATED, STARTED, ...events.slice(0, half)]);
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
      { ...runs(6, 400), endOnFailure: true },
    );
  });
});

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
