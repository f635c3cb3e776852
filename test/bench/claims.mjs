/** What a row says in the end: one number, and where there is a target, whether it is reached. */
import { fastest, seconds } from './bench.mjs';
import { judge, median, ratio } from './statistics.mjs';

/**
 * @typedef {object} Claim
 * @property {string} text what was measured, such as `OURS / THEIRS`
 * @property {'ratio' | 'ms' | 'events/s' | 'MiB'} unit
 * @property {number | null} value null: not measured, because of `missing`
 * @property {number} [least] of runs that followed each other
 * @property {number} [greatest]
 * @property {import('./statistics.mjs').Target} [target] none: only for information
 * @property {boolean} [reached]
 * @property {number} [margin]
 * @property {string} [missing]
 */

/** @param {Omit<Claim, 'reached' | 'margin'>} claim @returns {Claim} */
export function claim(claim) {
  return claim.value === null || !claim.target ? claim : { ...claim, ...judge(claim.value, claim.target) };
}

/**
 * The times of one side as a ratio to those of another; with several others, to the fastest of them.
 * @param {Map<string, import('./programs.mjs').Run[]>} results
 * @param {{ ours: string, against: string[], limit?: number }} what
 */
export function ratioClaim(results, { ours, against, limit }) {
  const [other] = fastest(results, against);
  const target = limit === undefined ? undefined : { sense: 'at most', limit };
  if (other === undefined)
    return claim({
      text: `${ours} / ${against[0]}`,
      unit: 'ratio',
      value: null,
      target,
      missing: against[0],
    });
  const { value, least, greatest } = ratio(seconds(results.get(ours)), seconds(results.get(other)));
  return claim({ text: `${ours} / ${other}`, unit: 'ratio', value, least, greatest, target });
}

/** How much longer than another side, in milliseconds of the medians. */
export function delayClaim(results, { ours, against, limit }) {
  const value = 1000 * (median(seconds(results.get(ours))) - median(seconds(results.get(against))));
  return claim({ text: `${ours} − ${against}`, unit: 'ms', value, target: { sense: 'at most', limit } });
}

/** @param {readonly Claim[]} claims @returns {Claim[]} the targets that were measured and missed */
export function missed(claims) {
  return claims.filter(({ reached }) => reached === false);
}
