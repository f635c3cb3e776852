import { constants } from 'node:os';

import type { Libc } from './libc.js';

type Lookup = Libc['getpwuid_r'];

/** More than any system has in use at once; forgotten together when full. */
const CACHED_NAMES = 4_096;
/** struct passwd and struct group have at most 48 bytes on 64-bit Linux. */
const RECORD_SIZE = 128;
const USUAL_TEXT = 1_024;
/** A group's members are part of its text. */
const LARGEST_TEXT = 1_048_576;

/** Names of users and groups by number, remembered. */
export class AccountNames {
  readonly #libc: Libc;
  readonly #users = new Map<number, string | null>();
  readonly #groups = new Map<number, string | null>();

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Null where the system knows none. */
  user(uid: number): string | null {
    return this.#remembered(this.#users, uid, this.#libc.getpwuid_r);
  }

  /** Null where the system knows none. */
  group(gid: number): string | null {
    return this.#remembered(this.#groups, gid, this.#libc.getgrgid_r);
  }

  #remembered(names: Map<number, string | null>, id: number, lookup: Lookup): string | null {
    const known = names.get(id);
    if (known !== undefined) return known;
    const name = this.#lookUp(id, lookup);
    if (names.size >= CACHED_NAMES) names.clear();
    names.set(id, name);
    return name;
  }

  /** The reentrant calls: getpwuid's one static record would be shared by all worker threads. */
  #lookUp(id: number, lookup: Lookup): string | null {
    const record = new Uint8Array(RECORD_SIZE);
    const result = new BigUint64Array(1);
    for (let size = USUAL_TEXT; size <= LARGEST_TEXT; size *= 4) {
      const text = new Uint8Array(size);
      const failure = lookup(id, record, text, size, result);
      // Both records begin with the pointer to the name, which lies in `text`.
      if (failure === 0) return result[0] === 0n ? null : this.#libc.stringAt(record);
      if (failure !== constants.errno.ERANGE) return null;
    }
    return null;
  }
}
