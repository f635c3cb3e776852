/** hkfs as a library. */
export type * from './archive/api.js';
export { Archive } from './archive/archive.js';
export { checkProof } from './archive/check-proof.js';
export { HkfsError, isHkfsError } from './errors.js';
export { parseVerifierKey, type VerifierKey } from './events/signed-note.js';
export type * from './events/types.js';
