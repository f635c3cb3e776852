/** What an S3 server says, in hkfs's words. */
import { HkfsError } from '../../errors.js';
import { readXml, textOf } from './s3-xml.js';

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/**
 * The `Code` of an error document; empty where there is none (HEAD has no body). Of an answer of success it is
 * asked only where a document is expected: a blob may be anything, also an error of S3 that somebody has kept.
 */
export function codeOf(answer: S3Answer): string {
  if (answer.status < 300 && !answer.body.includes('<Error>')) return '';
  return textOf(readXml(answer.body.toString('utf8')), 'Code') ?? '';
}

const TRANSIENT = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
  // The body did not arrive as it was signed: it changed on the way.
  'XAmzContentSHA256Mismatch',
  'BadDigest',
  'IncompleteBody',
]);
const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504]);

/** Worth another try after a while. */
export function isTransient(answer: S3Answer): boolean {
  return TRANSIENT_STATUS.has(answer.status) || TRANSIENT.has(codeOf(answer));
}

const CLOCK = new Set(['RequestTimeTooSkewed', 'RequestExpired']);
const NO_SPACE = new Set(['QuotaExceeded', 'EntityTooLarge', 'InsufficientCapacity']);
const NO_BUCKET = new Set(['NoSuchBucket', 'InvalidBucketName', 'UserDisabled']);

export function isWithoutBucket(answer: S3Answer): boolean {
  return answer.status === 404 && NO_BUCKET.has(codeOf(answer));
}

/** The error that this answer is, whatever was asked. */
export function s3Error(answer: S3Answer, where: string): HkfsError {
  const code = codeOf(answer);
  const says = `${answer.status}${code === '' ? '' : ` ${code}`}`;
  if (NO_BUCKET.has(code))
    return new HkfsError('NO_BUCKET', `there is no bucket ${where}`, {
      hint: 'make it with the tools of your provider, or correct the name in the URL',
    });
  if (NO_SPACE.has(code) || answer.status === 507)
    return new HkfsError('NO_SPACE', `${where} takes no more: ${says}`, {
      hint: 'raise the quota of the bucket',
    });
  if (CLOCK.has(code))
    return new HkfsError('REMOTE_DENIED', `${where} refuses the time of this machine: ${says}`, {
      hint: 'set the clock of this machine',
    });
  if (answer.status === 401 || answer.status === 403)
    return new HkfsError('REMOTE_DENIED', `${where} refuses these credentials: ${says}`, {
      hint: 'check the keys (AWS_ACCESS_KEY_ID, ?profile=, ?credentials=) and what they may do in this bucket',
    });
  const region = regionOf(answer);
  if (region !== null)
    return new HkfsError('BAD_URL', `the bucket ${where} is in another region: ${region}`, {
      hint: `add ?region=${region} to the URL`,
    });
  if (isTransient(answer))
    return new HkfsError('REMOTE_UNREACHABLE', `${where} answers ${says} again and again`, {
      hint: 'run the command again later; what has arrived is not sent again',
    });
  return new HkfsError('REMOTE_UNREACHABLE', `${where} answers ${says}, which no S3 server should`, {
    hint: 'check that the endpoint is one of S3, and pathStyle',
  });
}

function regionOf(answer: S3Answer): string | null {
  if (![301, 307, 400].includes(answer.status)) return null;
  const named = answer.headers['x-amz-bucket-region'];
  const region = typeof named === 'string' ? named : textOf(readXml(answer.body.toString('utf8')), 'Region');
  return region !== undefined && /^[a-z0-9-]+$/.test(region) ? region : null;
}

/** No answer at all: refused, cut, timed out, or a certificate that is not trusted. */
export function connectionError(error: unknown, where: string): HkfsError {
  const { code, message } = error as { code?: string; message?: string };
  const isCertificate = /CERT|SSL|TLS|SELF_SIGNED|ALTNAME/i.test(code ?? '');
  return new HkfsError(
    'REMOTE_UNREACHABLE',
    `${where} cannot be reached: ${code ?? message ?? 'no answer'}`,
    {
      hint: isCertificate
        ? 'name the certificate of your authority in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS'
        : 'check the endpoint in the URL and the network; what has arrived is not sent again',
      cause: error,
    },
  );
}
