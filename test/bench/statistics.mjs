/** The arithmetic of the bench: medians, ratios, and whether a target is reached. */

/** @param {readonly number[]} values */
export function median(values) {
  if (values.length === 0) throw new RangeError('no values, no median');
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2;
}

/**
 * The ratio of the medians, and the least and greatest ratio of runs that followed each other: a wide
 * span says that the machine was not quiet.
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 */
export function ratio(ours, theirs) {
  const pairs = ours.slice(0, theirs.length).map((value, run) => value / theirs[run]);
  return { value: median(ours) / median(theirs), least: Math.min(...pairs), greatest: Math.max(...pairs) };
}

/**
 * @typedef {object} Target
 * @property {'at most' | 'at least'} sense
 * @property {number} limit
 */

/**
 * @param {number} value
 * @param {Target} target
 * @returns {{ reached: boolean, margin: number }} the margin is the distance to the limit, as a part of it;
 *   negative where the target is missed
 */
export function judge(value, { sense, limit }) {
  const margin = (sense === 'at most' ? limit - value : value - limit) / limit;
  return { reached: margin >= 0, margin };
}
