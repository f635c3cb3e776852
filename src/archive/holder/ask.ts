/** Asking the process that holds an archive. What it answers is judged as well: it may be another version. */
import { ERROR_EXITS, HkfsError, type ErrorCode } from '../../errors.js';
import { placeOf, type Reply } from '../holder.js';
import type { Layout } from '../layout.js';
import { connectTo } from '../socket-path.js';
import { either, fields, maybe, text, type Judge } from './judges.js';
import { linesOf } from './lines.js';
import type { Request } from './queries.js';

/** A holder that says nothing for so long is stopped or hangs. */
const SILENCE_MS = 30_000;
/** A row with all paths of a content that is there a million times. */
const MAX_ROW_BYTES = 256 << 20;

/** Asks the holder. @throws the errno of connecting, or the error that the holder answered */
export async function* askHolder(layout: Layout, request: Request): AsyncGenerator {
  const socket = await connectTo(placeOf(layout));
  socket.setTimeout(SILENCE_MS, () => socket.destroy(silence()));
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of linesOf(socket, { max: MAX_ROW_BYTES, tooLong: notUnderstood })) {
      const reply = readReply(line);
      if ('end' in reply) return;
      if ('error' in reply) throw errorOf(reply.error);
      if ('bug' in reply) throw new Error(`the process that holds the archive failed: ${reply.bug}`);
      yield reply.row;
    }
    throw new HkfsError('ARCHIVE_HELD', 'the process that held the archive ended while it answered', {
      hint: 'run the command again',
    });
  } finally {
    socket.destroy();
  }
}

const code: Judge = (value) => typeof value === 'string' && Object.hasOwn(ERROR_EXITS, value);
const anything: Judge = () => true;
const REPLY = either(
  fields({ row: anything }),
  fields({ end: anything }),
  fields({ error: fields({ code, message: text, hint: maybe(text) }) }),
  fields({ bug: text }),
);

/** @throws HkfsError IO_ERROR */
export function readReply(line: string): Reply {
  let reply: unknown;
  try {
    reply = JSON.parse(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (!isReply(reply)) throw notUnderstood();
  return reply;
}

function isReply(value: unknown): value is Reply {
  return REPLY(value) && Object.keys(value as object).length === 1;
}

function errorOf({
  code,
  message,
  hint,
}: {
  code: ErrorCode;
  message: string;
  hint: string | null;
}): HkfsError {
  return new HkfsError(code, message, hint ? { hint } : {});
}

function notUnderstood(): HkfsError {
  return new HkfsError('IO_ERROR', 'what the process that holds the archive answers cannot be understood', {
    hint: 'end that process: .hkfs/holder.json has its process id; it may be another version of hkfs',
  });
}

function silence(): HkfsError {
  return new HkfsError('ARCHIVE_HELD', 'the process that holds the archive does not answer', {
    hint: 'it may be stopped; see .hkfs/holder.json for its process id',
  });
}
