/**
 * What a program that hkfs starts is told of the environment: where programs and temporary files are, and that it is
 * to speak plainly. Not the keys of remotes that stand there, nor options that change what it does.
 */
export function childEnvironment(): NodeJS.ProcessEnv {
  const { PATH, TMPDIR } = process.env;
  return { PATH, LC_ALL: 'C', ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}
