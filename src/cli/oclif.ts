/** The one door to oclif: its subpaths, because the package's root loads all of it. */
export { Command } from '@oclif/core/command';
export * as Args from '@oclif/core/args';
export * as Flags from '@oclif/core/flags';
export type { Config, Input, ParserOutput } from '@oclif/core/interfaces';

/**
 * oclif's own main program: help, completion, and nothing that an archive command needs.
 *
 * @param onLoaded called before it writes anything
 */
export async function runWholeOclif(
  argv: string[],
  packageRoot: string,
  onLoaded: () => void,
): Promise<void> {
  const { execute } = await import('@oclif/core');
  onLoaded();
  await execute({ args: argv, dir: packageRoot });
}
