/** hkfs as a library. */
export type * from './archive/api.js';
export { Archive } from './archive/archive.js';
export { HkfsError, isHkfsError } from './errors.js';
export type * from './events/types.js';
