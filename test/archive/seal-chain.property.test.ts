/** Random changes of one inode, ours and a stranger's: what is trusted in the end was never written to. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { carryOver, type Stamp } from '../../src/archive/trusted-stat.js';

const TICK = 10_000_000n;

type Step =
  /** A link, a name, a mode. */
  | { readonly do: 'own' }
  | { readonly do: 'write'; readonly size: number }
  /** With the mtime and the size as they were: a tool that puts times back, or `dd` and `touch -r`. */
  | { readonly do: 'forge' }
  | { readonly do: 'touch'; readonly mtimeNs: bigint }
  | { readonly do: 'wait'; readonly ticks: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ do: 'own' } as const),
  fc.record({ do: fc.constant('write' as const), size: fc.integer({ min: 9, max: 11 }) }),
  fc.constant({ do: 'forge' } as const),
  fc.record({ do: fc.constant('touch' as const), mtimeNs: fc.bigInt({ min: 0n, max: 1n << 62n }) }),
  fc.record({ do: fc.constant('wait' as const), ticks: fc.integer({ min: 1, max: 50 }) }),
);

/** A file system with a clock that ticks. */
class Inode {
  stamp: Stamp;
  isWritten = false;
  private clock: bigint;

  constructor(mtimeNs: bigint, clock: bigint) {
    this.clock = clock;
    this.stamp = { dev: 1n, ino: 2n, size: 10n, mtimeNs, ctimeNs: clock - 20n * TICK };
  }

  /** @returns the change, where it is one of ours */
  apply(step: Step): { before: Stamp; after: Stamp } | null {
    const before = this.stamp;
    const ctimeNs = this.clock;
    if (step.do === 'wait') this.clock += BigInt(step.ticks) * TICK;
    else if (step.do === 'own') this.stamp = { ...before, ctimeNs };
    else if (step.do === 'touch') this.stamp = { ...before, ctimeNs, mtimeNs: step.mtimeNs };
    else this.write(step, ctimeNs);
    return step.do === 'own' ? { before, after: this.stamp } : null;
  }

  private write(step: Extract<Step, { do: 'write' | 'forge' }>, ctimeNs: bigint): void {
    this.isWritten = true;
    if (step.do === 'write')
      this.stamp = { ...this.stamp, ctimeNs, mtimeNs: this.clock, size: BigInt(step.size) };
    else {
      // Forged within the tick of another change it shows in no time at all: that takes intent and luck.
      this.clock += TICK;
      this.stamp = { ...this.stamp, ctimeNs: this.clock };
      this.clock += TICK;
    }
  }
}

test('an inode whose trusted stat still fits has the bytes that were hashed, whatever was done between', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 20 }),
      fc.bigInt({ min: 0n, max: 60n }),
      (steps, mtimeTicksAgo) => {
        const now = 1_700_000_000_123_000_000n;
        const inode = new Inode(now - mtimeTicksAgo * TICK, now);
        let trusted: Stamp | null = inode.stamp;
        const isSettled = now - inode.stamp.ctimeNs > 100_000_000n && mtimeTicksAgo > 10n;
        fc.pre(isSettled);
        for (const one of steps) {
          const change = inode.apply(one);
          if (change !== null && trusted !== null) trusted = carryOver(trusted, change);
        }
        const isTrusted =
          trusted !== null &&
          trusted.ctimeNs === inode.stamp.ctimeNs &&
          trusted.mtimeNs === inode.stamp.mtimeNs &&
          trusted.size === inode.stamp.size;
        expect(isTrusted && inode.isWritten).toBe(false);
      },
    ),
    { numRuns: 20_000 },
  );
});

test('an inode that nobody else touched is trusted after any number of our changes', () => {
  const ours = step.filter((one) => one.do === 'own' || one.do === 'wait');
  fc.assert(
    fc.property(fc.array(ours, { maxLength: 20 }), (steps) => {
      const now = 1_700_000_000_123_000_000n;
      const inode = new Inode(now - 100n * TICK, now);
      let trusted: Stamp | null = inode.stamp;
      for (const one of steps) {
        const change = inode.apply(one);
        if (change !== null && trusted !== null) trusted = carryOver(trusted, change);
      }
      expect(trusted).toEqual(inode.stamp);
    }),
  );
});
