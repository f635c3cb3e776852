import { ERROR_EXITS, EXIT, isHkfsError, withoutSecrets, type HkfsError } from '../errors.js';
import { describeFsError } from '../fs/errors.js';
import { stopped } from './interrupt.js';
import { isBrokenPipe } from './output.js';
import { jsonRow } from './rows.js';
import { visibleText } from './visible-name.js';

export interface RenderedError {
  /** For stderr, with its line end; empty where there is nothing to say. */
  readonly text: string;
  readonly exitCode: number;
}

/** What an error says on stderr, and the exit code it leaves with. */
export function renderError(error: unknown, { json }: { json: boolean }): RenderedError {
  if (isBrokenPipe(error)) return { text: '', exitCode: EXIT.ok };
  // Whoever knows more of what was tried has said it before; what has no name is a bug.
  const facts = factsOf(describeFsError(error));
  return { text: json ? jsonText(facts) : plainText(facts), exitCode: facts.exitCode };
}

/** True when the arguments before `--` ask for JSON; known also where parsing them failed. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

interface ErrorFacts {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
  readonly exitCode: number;
}

function factsOf(error: unknown): ErrorFacts {
  if (isHkfsError(error)) {
    const { code } = error;
    const hint = wayOut(error);
    return { code, message: withoutOclifWords(error.message), hint, exitCode: ERROR_EXITS[code] };
  }
  if (isUsageError(error)) {
    const hint = 'Add --help for the arguments and flags.';
    const message = withoutSecrets(withoutOclifWords(error.message));
    return { code: 'USAGE', message, hint, exitCode: EXIT.usage };
  }
  if (isAbort(error)) return factsOf(stopped());
  if (isCorruption(error)) {
    const hint =
      'Run hkfs replay to rebuild the views; if that fails too, bring .hkfs/log back from a backup.';
    const message = withoutSecrets(`a database below .hkfs is damaged: ${error.message}`);
    return { code: 'VIEWS_DAMAGED', message, hint, exitCode: ERROR_EXITS.VIEWS_DAMAGED };
  }
  return {
    code: 'BUG',
    message: withoutSecrets(`a bug in hkfs: ${error instanceof Error ? error.message : String(error)}`),
    hint: 'Please report it with the lines below. The archive is safe: open it again to have it mended.',
    stack: error instanceof Error ? stackOf(error) : undefined,
    exitCode: EXIT.bug,
  };
}

/** Where the error came from, and in its causes: the message, which stands before that, is told once. */
function stackOf(error: Error): string | undefined {
  const { stack, message } = error;
  if (stack === undefined) return undefined;
  // A message of several lines must not look like frames.
  return withoutSecrets(stack.replace(message, () => message.replace(/\s*\n\s*/g, ' ')));
}

const CORRUPT: ReadonlySet<unknown> = new Set(['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR']);

/** What an `AbortSignal` throws that nobody put into words. */
function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}

const RECOVER =
  '`hkfs recover` keeps what is proved of the log here, and takes the rest from a backup with --from; --dry-run says what is left';
const LOG_CODES: ReadonlySet<string> = new Set(['LOG_DAMAGED', 'LOG_GAP', 'LOG_SHORTER']);

/** Whoever finds a damaged log knows what is wrong, and not always what helps. */
function wayOut({ code, hint }: HkfsError): string | undefined {
  if (!LOG_CODES.has(code) || hint?.includes('hkfs recover') || hint?.includes('--from')) return hint;
  return code === 'LOG_SHORTER' && hint !== undefined ? `${RECOVER}; or ${hint}` : RECOVER;
}

/** LevelDB's own word for a table whose bytes are not those it wrote. */
function isCorruption(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'code' in error && CORRUPT.has(error.code);
}

/** What oclif throws for wrong arguments carries an `oclif` field. */
function isUsageError(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'oclif' in error && 'message' in error;
}

/** oclif adds how to get help, and says on several lines what fits on one. */
function withoutOclifWords(message: string): string {
  return message
    .replace(/\nSee more help with --help/g, '')
    .replace(/\n\nNote: [^]*$/, '')
    .replace(/^Parsing --(\S+) \n\t/, '--$1: ')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
}

function plainText({ code, message, hint, stack }: ErrorFacts): string {
  const lines = [`hkfs: ${visibleText(message)} [${code}]`];
  if (hint !== undefined) lines.push(`hint: ${visibleText(hint)}`);
  if (stack !== undefined) lines.push(...stack.split('\n').map(visibleText));
  return `${lines.join('\n')}\n`;
}

function jsonText({ code, message, hint, stack }: ErrorFacts): string {
  return jsonRow({ error: { code, message, hint, stack } });
}
