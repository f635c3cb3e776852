/**
 * No end of the process is silent: its exit status is that of a bug until the command has settled, whatever
 * ends it. An event loop that runs out of work under a promise would else be exit 0 without a word.
 */
import { EXIT, HkfsError } from '../errors.js';
import { asksForJson, renderError } from './render-error.js';

/** The status of the last error that was told: a bug that a command has met is told from the status before it. */
let told: number | null = null;

/** Runs a command line to its end, and tells every other end as a bug. */
export async function untilSettled(argv: readonly string[], run: () => Promise<void>): Promise<void> {
  process.exitCode = EXIT.bug;
  const leaveWithBug = (error: unknown): void => {
    tell(asBug(error), argv);
    process.exit(EXIT.bug);
  };
  // There is nobody else to tell.
  process.stderr.on('error', () => {});
  process.on('uncaughtException', leaveWithBug);
  process.on('unhandledRejection', leaveWithBug);
  const onBeforeExit = (): void => tell(new Error('it came to its end before the command did'), argv);
  process.once('beforeExit', onBeforeExit);
  try {
    await run();
  } catch (error) {
    tell(error, argv);
  }
  process.off('beforeExit', onBeforeExit);
  settledStatus();
}

/** Says an error on stderr, and leaves its exit status. */
export function tell(error: unknown, argv: readonly string[]): void {
  const { text, exitCode } = renderError(error, { json: asksForJson(argv) });
  process.stderr.write(text);
  told = exitCode;
  process.exitCode = exitCode;
}

/** Whether the command has said already that it leaves with something else than 0. */
export function hasStatus(): boolean {
  return !isUnsettled() && Number(process.exitCode ?? EXIT.ok) !== EXIT.ok;
}

/** The status that a command which has settled leaves: 0 where it said nothing else. */
export function settledStatus(): number {
  if (isUnsettled()) process.exitCode = EXIT.ok;
  return Number(process.exitCode ?? EXIT.ok);
}

function isUnsettled(): boolean {
  return Number(process.exitCode) === EXIT.bug && told !== EXIT.bug;
}

/** What nobody waited for or caught is a bug, also where it has a code that is none. */
function asBug(error: unknown): unknown {
  if (!(error instanceof HkfsError)) return error instanceof Error ? error : new Error(String(error));
  const bug = new Error(`${error.message} [${error.code}], which nobody waited for`, { cause: error });
  if (error.stack !== undefined) bug.stack = error.stack;
  return bug;
}
