/** What a remote's URL says. Pure, but for the look whether a bare word names something on disk. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HkfsError } from '../../errors.js';
import { absolutePath } from '../../fs/absolute-path.js';
import { toFsPath } from '../../fs/names.js';

export interface PathRemote {
  readonly kind: 'path';
  /** Absolute. A directory or a bundle: what is there decides. */
  readonly path: string;
}

export interface S3Remote {
  readonly kind: 's3';
  readonly bucket: string;
  /** `''`, or ends in `/`. */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly pathStyle?: boolean;
  readonly profile?: string;
  /** A file with credentials in the form of ~/.aws/credentials. */
  readonly credentials?: string;
}

const FORMS =
  'write a directory (/mnt/disk/backup), s3://BUCKET/PREFIX?endpoint=URL, or the file of a bundle';
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
const PARAMETERS = ['endpoint', 'region', 'pathStyle', 'profile', 'credentials'];
const BUCKET = /^[a-z0-9A-Z][a-zA-Z0-9._-]{1,254}$/;

/** @throws HkfsError BAD_URL; the message never repeats what could be a secret */
export function parseRemoteUrl(url: string, cwd?: string): PathRemote | S3Remote {
  if (url === '' || url.includes('\0')) throw badUrl('it is empty or has a NUL');
  if (!SCHEME.test(url)) return { kind: 'path', path: pathOf(url, cwd) };
  if (/^s3:\/\//i.test(url)) return s3Remote(url, cwd);
  if (/^file:\/\//i.test(url)) return { kind: 'path', path: fileUrlPath(url) };
  throw badUrl(`hkfs knows no ${SCHEME.exec(url)![0]} remotes`);
}

/**
 * What the log keeps, so that it means the same from any directory and in any environment: whole paths, and
 * the endpoint that was meant.
 */
export function storedUrl(
  url: string,
  remote: PathRemote | S3Remote,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (remote.kind === 'path') return remote.path;
  const endpoint = remote.endpoint ?? endpointIn(env);
  const parts = [
    ...(endpoint === undefined ? [] : [['endpoint', checkEndpoint(endpoint)]]),
    ...(remote.credentials === undefined ? [] : [['credentials', remote.credentials]]),
  ];
  if (parts.length === 0) return url;
  const [base, query] = url.split('?');
  const parameters = new URLSearchParams(query);
  for (const [name, value] of parts) parameters.set(name!, value!);
  return `${base}?${String(parameters).replaceAll('%3A', ':').replaceAll('%2F', '/')}`;
}

/** The server that the environment names, where the URL names none. */
export function endpointIn(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.AWS_ENDPOINT_URL_S3 || env.S3_ENDPOINT || env.AWS_ENDPOINT_URL || undefined;
}

function pathOf(text: string, cwd: string | undefined): string {
  const path = absolutePath(text, cwd);
  if (/^(\/|\.\.?($|\/))/.test(text) || existsSync(toFsPath(path))) return path;
  // `user:password@host`, say, or a URL with a slash too few.
  const shown = /[@:?]/.test(text) ? 'it' : JSON.stringify(text);
  throw badUrl(`${shown} is no URL and no path of something that is there`);
}

function fileUrlPath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw badUrl('a file URL has no host and three slashes: file:///mnt/disk/backup', cause);
  }
}

function s3Remote(url: string, cwd: string | undefined): S3Remote {
  const parts = parsed(url, 'it cannot be read');
  refuseCredentials(parts);
  // Not as the URL's own parts, which tidy dots away.
  const [, bucket = '', pathname = ''] = /^s3:\/\/([^/?#]*)([^?#]*)/i.exec(url)!;
  if (!BUCKET.test(bucket)) throw badUrl(`${JSON.stringify(bucket)} is no name of a bucket`);
  const unknown = [...parts.searchParams.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined)
    throw badUrl(`it has ${unknownParameter(unknown)}; there are ${PARAMETERS.join(', ')}`);
  if (parts.hash !== '') throw badUrl('it has a part after #');
  const { endpoint, pathStyle, credentials, ...rest } = Object.fromEntries(parts.searchParams);
  return {
    kind: 's3',
    bucket,
    prefix: prefixOf(pathname),
    ...rest,
    ...(endpoint === undefined ? {} : { endpoint: checkEndpoint(endpoint) }),
    ...(pathStyle === undefined ? {} : { pathStyle: booleanOf(pathStyle) }),
    ...(credentials === undefined ? {} : { credentials: absolutePath(credentials, cwd) }),
  };
}

/** A typing mistake is shown; what could be a key that was put there is not. */
function unknownParameter(name: string): string {
  return /^[a-z]+([A-Z_-][a-z]+)*$/.test(name) && name.length <= 20
    ? `a parameter ${JSON.stringify(name)}`
    : 'another parameter';
}

/** Also of an endpoint that comes from the environment. */
export function checkEndpoint(endpoint: string): string {
  const parts = parsed(endpoint, 'its endpoint is no URL');
  refuseCredentials(parts);
  if (!/^https?:$/.test(parts.protocol)) throw badUrl('its endpoint begins neither http:// nor https://');
  if (parts.search !== '' || parts.hash !== '')
    throw badUrl('its endpoint has more than host, port and path');
  return endpoint.replace(/\/+$/, '');
}

function parsed(url: string, complaint: string): URL {
  try {
    return new URL(url);
  } catch {
    // Without the cause: it repeats the text.
    throw badUrl(complaint);
  }
}

function refuseCredentials(parts: URL): void {
  if (parts.username === '' && parts.password === '') return;
  throw new HkfsError('BAD_URL', 'the URL of the remote has credentials in it, which would be logged', {
    hint: 'give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with ?profile=NAME or ?credentials=FILE',
  });
}

function prefixOf(pathname: string): string {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    throw badUrl('its path is not well encoded');
  }
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..' || /\p{C}/u.test(segment)))
    throw badUrl('its path cannot be a prefix of keys');
  return segments.length === 0 ? '' : `${segments.join('/')}/`;
}

function booleanOf(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw badUrl('pathStyle is true or false');
}

function badUrl(reason: string, cause?: unknown): HkfsError {
  return new HkfsError('BAD_URL', `not the URL of a remote: ${reason}`, {
    hint: FORMS,
    ...(cause === undefined ? {} : { cause }),
  });
}
