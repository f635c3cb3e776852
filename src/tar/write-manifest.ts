/** Manifests: lines of text about entries that other programs check files against. */
import { isUtf8 } from 'node:buffer';
import { toBuffer, type ByteString } from './write-bytes.js';
import type { Member } from './write-member.js';

export const MANIFESTS = ['b3sum', 'hashdeep', 'mtree'] as const;
export type ManifestFormat = (typeof MANIFESTS)[number];

/** Of a content, in hexadecimal digits. */
export interface Digests {
  readonly blake3: string;
  readonly md5: string;
  readonly sha256: string;
}

export interface ManifestForm {
  readonly head: ByteString;
  /** Files only. */
  readonly filesOnly: boolean;
  /** Which digests are asked for, beside BLAKE3. */
  readonly digests: readonly ('md5' | 'sha256')[];
  /** Null where the format has no way to write the name. */
  line(member: Member, digests: Digests | null): ByteString | null;
}

export const MANIFEST_FORMS: Readonly<Record<ManifestFormat, ManifestForm>> = {
  b3sum: { head: '', filesOnly: true, digests: [], line: b3sumLine },
  hashdeep: {
    head: '%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n',
    filesOnly: true,
    digests: ['md5', 'sha256'],
    line: hashdeepLine,
  },
  mtree: { head: '#mtree\n', filesOnly: false, digests: ['sha256'], line: mtreeLine },
};

/** b3sum reads names as UTF-8, and takes U+FFFD for a name that it garbled itself. */
function b3sumLine({ path }: Member, digests: Digests | null): ByteString | null {
  if (digests === null || !isUtf8(toBuffer(path)) || path.includes(REPLACEMENT)) return null;
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `${escaped === path ? '' : '\\'}${digests.blake3}  ${escaped}\n`;
}

const REPLACEMENT: ByteString = Buffer.from('\uFFFD').toString('latin1');

/** A line ends with the name, which has no way to hold an end of line. */
function hashdeepLine({ path, size }: Member, digests: Digests | null): ByteString | null {
  if (digests === null || /[\r\n]/.test(path)) return null;
  return `${size},${digests.md5},${digests.sha256},./${path}\n`;
}

const MTREE_TYPES: Readonly<Record<Member['kind'], string>> = {
  file: 'file',
  link: 'file',
  symlink: 'link',
  directory: 'dir',
  fifo: 'fifo',
  chardev: 'char',
  blockdev: 'block',
};

function mtreeLine(member: Member, digests: Digests | null): ByteString {
  const { kind, path, mode, uid, gid, user, group, size, target } = member;
  const isFile = kind === 'file' || kind === 'link';
  const isDevice = kind === 'chardev' || kind === 'blockdev';
  return [
    path === '.' ? '.' : `./${vis(path)}`,
    `type=${MTREE_TYPES[kind]}`,
    `mode=${mode.toString(8).padStart(4, '0')}`,
    `uid=${uid}`,
    `gid=${gid}`,
    ...(user === '' ? [] : [`uname=${vis(user)}`]),
    ...(group === '' ? [] : [`gname=${vis(group)}`]),
    `time=${mtreeTime(member.mtimeNs)}`,
    ...(isFile ? [`size=${size}`] : []),
    ...(kind === 'symlink' ? [`link=${vis(target)}`] : []),
    ...(isDevice ? [`device=native,${member.major},${member.minor}`] : []),
    ...(isFile && digests ? [`sha256digest=${digests.sha256}`] : []),
  ]
    .join(' ')
    .concat('\n');
}

/** Octal escapes for all that could end a word, begin a comment, be a glob, or is not ASCII. */
function vis(text: ByteString): ByteString {
  return text.replaceAll(
    /[^A-Za-z0-9_./:@%+,~^-]/g,
    (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

/** Seconds rounded down, and the nanoseconds after them. */
function mtreeTime(ns: bigint): string {
  const rest = ((ns % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return `${(ns - rest) / NANOSECONDS}.${String(rest).padStart(9, '0')}`;
}

const NANOSECONDS = 1_000_000_000n;
