/**
 * What comes on standard input: a list of paths, or what b3sum, the sha256sum family, BSD's and
 * OpenSSL's digest programs and hashdeep print. Names are raw bytes; lines may end as on Windows.
 */
import { HkfsError } from '../../errors.js';
import { nameFromBytes } from '../../fs/names.js';

/** Contents can be told by these. */
export const ALGORITHMS = ['blake3', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface ManifestEntry {
  readonly path: string;
  /** Lower-case hexadecimal digits. */
  readonly digest: string;
  /** Null where the manifest does not say. */
  readonly size: number | null;
}

export interface Manifest {
  readonly is: 'manifest';
  readonly algorithm: Algorithm;
  /** Nothing but the number of digits speaks for the algorithm, and it is that of another one too. */
  readonly isGuess: boolean;
  readonly entries: readonly ManifestEntry[];
}

export type Input = { readonly is: 'list'; readonly paths: readonly string[] } | Manifest;

type Line = ManifestEntry & { readonly algorithm: Algorithm; readonly isGuess?: boolean };

const DIGITS: Readonly<Record<Algorithm, number>> = {
  blake3: 64,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};
/** Other programs' names of the same. */
const ALIASES: Readonly<Record<string, string>> = {
  'sha2-224': 'sha224',
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
  'sha-256': 'sha256',
  'sha-512': 'sha512',
};
const SUM_LINE = /^(\\?)([0-9a-f]{32,128}) [ *](.+)$/is;
const TAGGED_LINE = /^(\\?)([a-z][a-z0-9/-]*) ?\((.+)\) ?= ?([0-9a-f]+)$/is;
const HASHDEEP = '%%%% ';

/**
 * @param assumed what digits without a name are, where their number fits: by default BLAKE3, as a guess
 * @throws HkfsError BAD_MANIFEST, UNKNOWN_ALGORITHM
 */
export function parseInput(bytes: Buffer, assumed?: Algorithm): Input {
  refuseUtf16(bytes);
  const { lines, isRaw } = split(bytes);
  const first = lines.find(({ text }) => text !== '');
  if (first === undefined)
    throw new HkfsError('BAD_MANIFEST', 'standard input is empty', {
      hint: 'give a list of files, or a manifest as b3sum writes it',
    });
  if (first.text.startsWith(HASHDEEP)) return manifestOf(hashdeepLines(lines));
  const parse = (text: string): Line | null => parseLine(text, { assumed, isRaw });
  if (parse(first.text) === null) {
    const paths = lines.filter(({ text }) => text !== '').map(({ text }) => nameOf(text));
    return { is: 'list', paths };
  }
  return manifestOf(
    lines
      .filter(({ text }) => text !== '')
      .map(
        ({ text, number }) => parse(text) ?? badLine(number, 'is no line of the manifest that began above'),
      ),
  );
}

interface TextLine {
  /** Bytes as latin1, so that none is lost. */
  readonly text: string;
  readonly number: number;
}

/** NULs separate where there are any: no name holds one. */
function split(bytes: Buffer): { lines: TextLine[]; isRaw: boolean } {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const text = bytes.toString('latin1', isMarked ? 3 : 0);
  const isRaw = text.includes('\0');
  const parts = text.split(isRaw ? '\0' : '\n');
  if (parts.at(-1) === '') parts.pop();
  const isWindows = !isRaw && parts.length > 0 && parts.every((part) => part.endsWith('\r'));
  const lines = parts.map((part, index) => ({
    text: isWindows ? part.slice(0, -1) : part,
    number: index + 1,
  }));
  return { lines, isRaw };
}

function refuseUtf16(bytes: Buffer): void {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16)
    throw new HkfsError('BAD_MANIFEST', 'standard input is UTF-16', {
      hint: 'write it as UTF-8; in PowerShell: | Out-File -Encoding utf8',
    });
}

/** Null for what is no line of a manifest. @throws HkfsError UNKNOWN_ALGORITHM */
function parseLine(text: string, how: { assumed: Algorithm | undefined; isRaw: boolean }): Line | null {
  const sum = SUM_LINE.exec(text);
  if (sum !== null) {
    const [, escaped, digits, name] = sum as unknown as [string, string, string, string];
    const algorithm = algorithmOfDigits(digits, how.assumed ?? 'blake3');
    const isGuess = how.assumed === undefined && algorithm === 'blake3';
    return { ...lineOf(algorithm, digits, unescaped(name, escaped, how.isRaw)), isGuess };
  }
  const tagged = TAGGED_LINE.exec(text);
  if (tagged === null) return null;
  const [, escaped, tag, name, digits] = tagged as unknown as [string, string, string, string, string];
  return lineOf(algorithmOfTag(tag), digits, unescaped(name, escaped, how.isRaw));
}

function lineOf(algorithm: Algorithm, digits: string, name: string): Line {
  if (digits.length !== DIGITS[algorithm])
    throw new HkfsError('BAD_MANIFEST', `${digits.length} digits are no ${algorithm} hash: ${digits}`, {
      hint: 'make the manifest again',
    });
  return { algorithm, digest: digits.toLowerCase(), path: nameOf(name), size: null };
}

/** A backslash before the line says that backslashes and line ends in the name are escaped. */
function unescaped(name: string, mark: string, isRaw: boolean): string {
  if (mark === '' || isRaw) return name;
  return name.replace(/\\([^])/g, (_escape, character: string) => {
    const meaning = { n: '\n', r: '\r', '\\': '\\' }[character];
    if (meaning === undefined)
      throw new HkfsError('BAD_MANIFEST', `an escape that means nothing: \\${character} in ${name}`, {
        hint: 'make the manifest again',
      });
    return meaning;
  });
}

function algorithmOfDigits(digits: string, assumed: Algorithm): Algorithm {
  if (digits.length === DIGITS[assumed]) return assumed;
  const fitting = ALGORITHMS.find((each) => DIGITS[each] === digits.length);
  return fitting ?? refuseAlgorithm(`a hash of ${digits.length * 4} bits`);
}

function algorithmOfTag(tag: string): Algorithm {
  const name = tag.toLowerCase();
  const known = ALIASES[name] ?? name;
  return ALGORITHMS.find((each) => each === known) ?? refuseAlgorithm(tag);
}

function refuseAlgorithm(what: string): never {
  throw new HkfsError('UNKNOWN_ALGORITHM', `a manifest of ${what} cannot be answered`, {
    hint: `hkfs knows ${ALGORITHMS.join(', ')}; of weaker ones equal hashes prove nothing: give a list of the files instead`,
  });
}

function manifestOf(lines: readonly Line[]): Input {
  const [first] = lines;
  if (first === undefined)
    throw new HkfsError('BAD_MANIFEST', 'the manifest names no file', { hint: 'make it again' });
  const { algorithm } = first;
  if (lines.some((line) => line.algorithm !== algorithm))
    throw new HkfsError('BAD_MANIFEST', 'the manifest has more than one kind of hash', {
      hint: 'give a manifest of one kind at a time',
    });
  return {
    is: 'manifest',
    algorithm,
    isGuess: lines.every(({ isGuess }) => isGuess === true),
    entries: lines.map(({ path, digest, size }) => ({ path, digest, size })),
  };
}

/** `size,md5,sha256,filename` is said in the header, and again where files were put together. */
function hashdeepLines(lines: readonly TextLine[]): Line[] {
  const found: Line[] = [];
  let columns: readonly string[] = [];
  for (const { text, number } of lines) {
    if (text.startsWith(`${HASHDEEP}HASHDEEP-`) || text.startsWith('##') || text === '') continue;
    if (text.startsWith(HASHDEEP)) columns = columnsOf(text);
    else found.push(hashdeepLine(text, columns) ?? badLine(number, 'has not the columns of its header'));
  }
  return found;
}

function columnsOf(header: string): string[] {
  const columns = header.slice(HASHDEEP.length).trim().toLowerCase().split(',');
  if (!ALGORITHMS.some((each) => columns.includes(each)))
    refuseAlgorithm(columns.filter((column) => column !== 'size' && column !== 'filename').join(' and '));
  return columns;
}

function hashdeepLine(text: string, columns: readonly string[]): Line | null {
  const parts = text.split(',');
  if (columns.length === 0 || parts.length < columns.length) return null;
  const fields = [...parts.slice(0, columns.length - 1), parts.slice(columns.length - 1).join(',')];
  const algorithm = ALGORITHMS.find((each) => columns.includes(each))!;
  const size = fields[columns.indexOf('size')];
  const digits = fields[columns.indexOf(algorithm)];
  const name = fields[columns.indexOf('filename')];
  if (digits === undefined || name === undefined || !/^[0-9a-f]+$/i.test(digits)) return null;
  if (size !== undefined && !/^\d{1,15}$/.test(size)) return null;
  return { ...lineOf(algorithm, digits, name), size: size === undefined ? null : Number(size) };
}

function badLine(number: number, what: string): never {
  throw new HkfsError('BAD_MANIFEST', `line ${number} of standard input ${what}`, {
    hint: 'nothing was answered; make the manifest again',
  });
}

function nameOf(text: string): string {
  return nameFromBytes(Buffer.from(text, 'latin1'));
}
