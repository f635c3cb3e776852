/**
 * What an archive answers and does, as plain values: the contract between `archive/` and everyone
 * who calls it (commands, other programs, the local socket). Paths inside the archive are PEP 383
 * strings without a leading slash; '' is the root.
 */
export type * from './api/changes.js';
export type * from './api/contents.js';
export type * from './api/duplicates.js';
export type * from './api/entries.js';
export type * from './api/export.js';
export type * from './api/ingest.js';
export type * from './api/moments.js';
export type * from './api/operations.js';
export type * from './api/outside.js';
export type * from './api/proofs.js';
export type * from './api/recover.js';
export type * from './api/reader.js';
export type * from './api/remotes.js';
export type * from './api/restore.js';
export type * from './api/sync.js';
export type * from './api/verify.js';
export type * from './api/work.js';
