/** Where the keys of an S3 remote come from: a file, a profile, the environment; never the URL or the log. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, HkfsError } from '../../errors.js';
import type { S3Remote } from './remote-url.js';
import type { S3Credentials } from './s3-signature.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface S3Access {
  readonly credentials: S3Credentials;
  readonly region: string;
}

const DEFAULT_REGION = 'us-east-1';

/** @throws HkfsError REMOTE_DENIED where there are none, or a file that was named has none */
export function findAccess(remote: S3Remote, env: Environment): S3Access {
  const profile = remote.profile ?? env.AWS_PROFILE ?? 'default';
  const region =
    remote.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? configured('region', profile, env);
  return { credentials: findCredentials(remote, env, profile), region: region ?? DEFAULT_REGION };
}

function findCredentials(remote: S3Remote, env: Environment, profile: string): S3Credentials {
  if (remote.credentials !== undefined) return fromFile(remote.credentials, profile);
  const file = env.AWS_SHARED_CREDENTIALS_FILE ?? join(env.HOME ?? homedir(), '.aws', 'credentials');
  if (remote.profile !== undefined) return fromFile(file, profile);
  const given = fromEnvironment(env);
  if (given !== null) return given;
  try {
    return fromFile(file, profile);
  } catch (error) {
    if (errnoOf((error as { cause?: unknown }).cause) !== 'ENOENT') throw error;
    throw denied('there are no credentials for S3', error);
  }
}

function fromEnvironment(env: Environment): S3Credentials | null {
  const accessKey = env.AWS_ACCESS_KEY_ID ?? env.S3_ACCESS_KEY;
  const secretKey = env.AWS_SECRET_ACCESS_KEY ?? env.S3_SECRET_KEY;
  if (!accessKey || !secretKey) return null;
  // A session's token belongs to the pair of AWS_ names.
  const sessionToken = env.AWS_ACCESS_KEY_ID === accessKey ? env.AWS_SESSION_TOKEN : undefined;
  return sessionToken ? { accessKey, secretKey, sessionToken } : { accessKey, secretKey };
}

function fromFile(file: string, profile: string): S3Credentials {
  const values = sectionOf(readText(file), profile);
  const accessKey = values?.get('aws_access_key_id');
  const secretKey = values?.get('aws_secret_access_key');
  if (!accessKey || !secretKey)
    throw denied(`${file} has no aws_access_key_id and aws_secret_access_key for the profile ${profile}`);
  const sessionToken = values?.get('aws_session_token');
  return sessionToken ? { accessKey, secretKey, sessionToken } : { accessKey, secretKey };
}

function configured(key: string, profile: string, env: Environment): string | undefined {
  const file = env.AWS_CONFIG_FILE ?? join(env.HOME ?? homedir(), '.aws', 'config');
  try {
    const text = readFileSync(file, 'utf8');
    return sectionOf(text, profile === 'default' ? profile : `profile ${profile}`)?.get(key);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR')
      throw denied(`${file} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw denied(`${file} cannot be read: ${errnoOf(error) ?? 'no file'}`, error);
  }
}

/** Lines before the first section count as the default's. */
function sectionOf(text: string, wanted: string): Map<string, string> | undefined {
  const sections = new Map<string, Map<string, string>>();
  let name = 'default';
  for (const line of text.split('\n').map((each) => each.trim())) {
    const section = /^\[\s*(.+?)\s*\]$/.exec(line);
    if (section) name = section[1]!;
    const pair = /^([^#;=\s]+)\s*=\s*(.*)$/.exec(line);
    if (!pair) continue;
    if (!sections.has(name)) sections.set(name, new Map());
    sections.get(name)!.set(pair[1]!.toLowerCase(), pair[2]!);
  }
  return sections.get(wanted);
}

function denied(message: string, cause?: unknown): HkfsError {
  return new HkfsError('REMOTE_DENIED', message, {
    hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a ?profile= or ?credentials=FILE',
    ...(cause === undefined ? {} : { cause }),
  });
}
