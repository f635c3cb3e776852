/** Flags that several commands share, so that they read the same everywhere. */
import { Flags } from './oclif.js';
import { parseDuration, parseSize } from './parse-values.js';
import { PROGRESS_STYLES } from './progress.js';

export const jsonFlag = {
  json: Flags.boolean({
    description: 'Write newline-delimited JSON to stdout, one object a row, and nothing else.',
    helpGroup: 'GLOBAL',
  }),
};

export const archiveFlags = {
  archive: Flags.string({
    char: 'a',
    env: 'HKFS_ARCHIVE',
    helpValue: 'DIR',
    noCacheDefault: true,
    description: 'The archive. Without it: the nearest folder upwards that holds .hkfs.',
    helpGroup: 'GLOBAL',
  }),
  wait: Flags.boolean({
    description: 'Wait while another process holds the archive, instead of leaving with exit code 5.',
    helpGroup: 'GLOBAL',
  }),
};

export const atFlag = {
  at: Flags.string({
    helpValue: 'MOMENT',
    description:
      'Answer as of a moment: @1234 (a position), op:12 (an operation), tag:NAME, an ISO time, or a phrase such as "2 days ago".',
  }),
};

export const nullFlag = {
  null: Flags.boolean({
    aliases: ['0'],
    description: 'Write only paths, as raw bytes, each ended by a NUL: for xargs -0. Also written -0.',
    exclusive: ['json'],
  }),
};

/** For questions to all archives that back up to one place. */
export const remoteFlags = {
  remote: Flags.string({
    helpValue: 'NAME',
    exclusive: ['at', 'null'],
    description: 'Ask all archives that back up to this remote.',
  }),
  offline: Flags.boolean({
    dependsOn: ['remote'],
    description: 'Do not reach for the remote: ask what was seen of it before.',
  }),
};

export const progressFlag = {
  progress: Flags.string({
    options: ['auto', ...PROGRESS_STYLES],
    default: 'auto',
    description:
      'How to show progress on stderr. auto: a bar on a terminal, else a plain line every five seconds.',
    helpGroup: 'GLOBAL',
  }),
};

/** A flag whose value is a span of time such as 30d, in milliseconds. */
export const durationFlag = Flags.custom<number>({
  helpValue: 'T',
  // oclif awaits what the parser gives.
  parse: (text) => Promise.resolve(parseDuration(text)),
});

/** A flag whose value is a number of bytes such as 64k. */
export const bytesFlag = Flags.custom<number>({
  helpValue: 'N',
  parse: (text) => Promise.resolve(parseSize(text)),
});
