/** What comes in at the holder's socket, within bounds of time and room. */
import type { Socket } from 'node:net';
import { HkfsError } from '../../errors.js';
import { LineBuffer } from './lines.js';

/** Who connects asks at once: so long may a question take. */
const QUESTION_MS = 10_000;
/** `similar` asks with all contents of the outside, 110 bytes each: two million of them. */
const MAX_QUESTION_BYTES = 256 << 20;

/** Bytes of questions that are not whole yet, of all connections together. */
export class QuestionRoom {
  used = 0;
}

/**
 * The one question of a connection; null where it ended, or took too long.
 * @throws HkfsError USAGE where there is no room for so long a question
 */
export function readQuestion(socket: Socket, room: QuestionRoom): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const line = new LineBuffer();
    let counted = 0;
    const settle = (tell: () => void): void => {
      clearTimeout(timer);
      socket.off('data', take).off('close', gone);
      room.used -= counted;
      line.clear();
      tell();
    };
    const gone = (): void => settle(() => resolve(null));
    const take = (chunk: Buffer): void => {
      const taken = line.take(chunk);
      if (taken !== null) return settle(() => resolve(taken.line.toString('utf8')));
      counted += chunk.length;
      room.used += chunk.length;
      if (room.used > MAX_QUESTION_BYTES) settle(() => reject(tooLong()));
    };
    // Where this process was busy, what came meanwhile is taken first.
    const timer = setTimeout(() => setImmediate(gone), QUESTION_MS).unref();
    socket.on('data', take).once('close', gone);
  });
}

function tooLong(): HkfsError {
  return new HkfsError('USAGE', 'more is asked at once than the process that holds the archive takes in', {
    hint: 'run the command again when that process is done',
  });
}
