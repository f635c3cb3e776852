/** Which of the named files are tars, before anything is changed. */
import { errnoOf, HkfsError } from '../../../errors.js';
import type { IngestOptions } from '../../api.js';
import { baseName } from '../../../fs/names.js';
import { MissingProgramError, packageOf } from '../../../tar/decompress.js';
import { DecompressionError } from '../../../tar/decompression-error.js';
import { foreignCompressionOf, hasTarName } from '../../../tar/recognise.js';
import { openTar, TarInput, type OpenedTar } from './tar-input.js';
import { throwIfStopped } from '../../stopped.js';

const PROBE_CHUNK = 64 << 10;
const AS_FILE = '--as-file keeps it as one file; nothing was changed';
const AS_TAR = 'if it is a tar whose beginning is damaged, --tar reads it all the same';

/**
 * A tar is told by its content. A file that only has the name of a tar is refused, because something
 * else was meant than what would come of it.
 * @throws HkfsError NOT_A_TAR, PROGRAM_MISSING
 */
export async function isTarFile(path: string): Promise<boolean> {
  const isNamed = hasTarName(baseName(path));
  const input = TarInput.ofFile(path, PROBE_CHUNK);
  try {
    const opened = await openTar(input);
    await opened.close();
    if (opened.is === 'tar') return true;
    if (!isNamed || opened.is === 'empty') return isNamed;
    throw notATar(path, opened);
  } catch (error) {
    if (!isNamed && (error instanceof DecompressionError || error instanceof MissingProgramError))
      return false;
    throw explained(error, path);
  } finally {
    await input.close();
  }
}

export interface OpenStream {
  readonly input: TarInput;
  readonly opened: OpenedTar;
}

/** A file that was told to be a tar. @throws HkfsError SOURCE_UNREADABLE, NOT_A_TAR when it is none any more */
export async function openFile(path: string): Promise<OpenStream> {
  const input = TarInput.ofFile(path);
  try {
    return { input, opened: await openTar(input) };
  } catch (error) {
    await input.close();
    throw explained(error, path);
  }
}

/** @throws HkfsError NOT_A_TAR, PROGRAM_MISSING, SOURCE_UNREADABLE, INTERRUPTED, USAGE without a stream */
export async function openStream({
  input: stream,
  signal,
  asTar = false,
}: Pick<IngestOptions, 'input' | 'signal' | 'asTar'>): Promise<OpenStream> {
  if (stream === undefined)
    throw new HkfsError('USAGE', 'there is no tar on the standard input, which is a terminal', {
      hint: 'pipe one into it: `tar -c DIR | hkfs ingest - --to DIR`',
    });
  const input = TarInput.ofStream(stream, signal);
  try {
    const opened = await openTar(input);
    if (opened.is === 'other' && !asTar) {
      await opened.close();
      throw notATar('the standard input', opened);
    }
    return { input, opened };
  } catch (error) {
    // A stream that was cut by a stop looks like one that ended.
    throwIfStopped(signal);
    throw explained(error, 'the standard input');
  }
}

function notATar(what: string, { head, compression }: OpenedTar): HkfsError {
  const foreign = foreignCompressionOf(head);
  if (head.length === 0) return refusal(`${what} is empty, which is no tar`);
  if (foreign !== null)
    return refusal(
      `${what} is compressed by ${foreign}, which hkfs does not unpack`,
      `unpack it first: ${AS_FILE}`,
    );
  return refusal(
    compression === null ? `${what} is no tar` : `${what} holds no tar, though it is ${compression}`,
    `${AS_TAR}; ${AS_FILE}`,
  );
}

function explained(error: unknown, what: string): unknown {
  if (error instanceof DecompressionError)
    return refusal(`${what} cannot be unpacked, not even its beginning: ${error.message}`);
  if (error instanceof MissingProgramError)
    return new HkfsError('PROGRAM_MISSING', `${what} needs the program ${error.program} to be unpacked`, {
      hint: `install ${packageOf(error.program)}; ${AS_FILE}`,
      cause: error,
    });
  if (errnoOf(error) === undefined) return error;
  return new HkfsError('SOURCE_UNREADABLE', `${what} cannot be read: ${(error as Error).message}`, {
    hint: 'nothing was changed',
    cause: error,
  });
}

function refusal(message: string, hint = AS_FILE): HkfsError {
  return new HkfsError('NOT_A_TAR', message, { hint });
}
