/** Where a parser of tars is. */
import type { Beginning } from './body-prints.js';
import type { TarHeader } from './header.js';
import type { MapReader, Pieces } from './sparse.js';
import type { TarMember } from './tar-member.js';

/** What the next bytes are. */
export type State =
  | { readonly is: 'header' }
  /** A file whose name ends with a slash states a size: it is a directory, unless content follows. */
  | { readonly is: 'slash'; readonly header: TarHeader }
  /** A hard link stated a size: its body, where it has one, begins as the file that it names. */
  | {
      readonly is: 'body';
      readonly member: TarMember;
      readonly size: number;
      readonly at: number;
      zeros: number;
    }
  | { readonly is: 'skip'; left: number }
  | { readonly is: 'extension'; readonly header: TarHeader; readonly parts: Buffer[]; left: number }
  | { readonly is: 'sparse'; readonly header: TarHeader; readonly extents: number[]; readonly size: number }
  | {
      readonly is: 'map';
      readonly header: TarHeader;
      readonly map: MapReader;
      readonly size: number;
      /** What is left of the data by the header alone: some writers' records speak of the real size. */
      bare: number;
      stored: number;
    }
  | {
      readonly is: 'content';
      readonly stored: number;
      left: number;
      readonly pieces: Pieces | null;
      beginning: Beginning | null;
    }
  /** Members of another tar follow, and nobody asked for them. */
  | { readonly is: 'after' };
