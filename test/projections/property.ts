import type fc from 'fast-check';

/** The long form of the property tests: many more runs. */
export const HEAVY = process.env['HKFS_HEAVY'] === '1';

/**
 * How long a property that stops by the clock goes on in its heavy form: one test cannot be cut, and the parts of
 * `npm run test:heavy` are to stay below 40 minutes. Another seed makes other runs.
 */
export const HEAVY_MINUTES = 30;

/** Of the light form: so that `npm test` stays below six minutes on two cores. */
const SHARE = 0.7;

/**
 * How often a property is tried. `HKFS_SEED` repeats the runs of a failure: fast-check prints its seed,
 * and with it the smallest case it found.
 */
export function runs(light: number, heavy = light * 20): fc.Parameters<unknown> {
  const seed = process.env['HKFS_SEED'];
  return {
    numRuns: HEAVY ? heavy : Math.ceil(light * SHARE),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
