// From what S3, the SDK or the network said to a FerryError that names bucket and key. Promises that no key, signature
// or query string of a URL gets into a message or a cause: the SDK's own errors carry the request and are not kept.

import { FerryError, type ErrorCode } from '../model/errors.js';

export interface Where {
  bucket: string;
  key: string;
}

const BY_NAME: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^(ExpiredToken|TokenRefreshRequired|RequestExpired)/, 'StoreKeysExpired'],
  [
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|InvalidSecurity|UnrecognizedClient|XAdminUserNotFound)/,
    'StoreKeysUnknown',
  ],
  [/^(CredentialsProviderError|TokenProviderError)/, 'StoreKeysMissing'],
  [/^(RequestTimeTooSkewed|RequestInTheFuture)/, 'StoreClockSkewed'],
  [/^InvalidObjectState/, 'ObjectArchived'],
  [/^(InvalidPart|EntityTooSmall|TooManyParts)/, 'StorePartsRefused'],
  [/^(AccessDenied|AllAccessDisabled|Forbidden)/, 'StoreAccessDenied'],
  [/^(SlowDown|Throttl|RequestThrottled|RequestLimit|TooManyRequests|Bandwidth)/, 'StoreThrottled'],
  [/^(ConditionalRequestConflict|OperationAborted)/, 'StoreThrottled'],
  [/^(NoSuchKey|NoSuchVersion|NoSuchUpload|NotFound)/, 'ObjectMissing'],
  [/^(NoSuchBucket|InvalidBucketName|NotImplemented|MethodNotAllowed)/, 'StoreRejected'],
  [/^PreconditionFailed/, 'ObjectExists'],
  [/^(BadDigest|InvalidDigest|XAmzContent|InvalidRange)/, 'ObjectDamaged'],
  [/^(QuotaExceeded|.*StorageFull|InsufficientCapacity)/, 'StoreFull'],
  [/^(RequestTimeout|TimeoutError|InternalError|IncompleteBody)/, 'StoreUnreachable'],
];
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'StoreKeysUnknown',
  403: 'StoreAccessDenied',
  408: 'StoreUnreachable',
  412: 'ObjectExists',
  416: 'ObjectDamaged',
  429: 'StoreThrottled',
  501: 'StoreRejected',
  503: 'StoreThrottled',
  507: 'StoreFull',
};
const HAPPENED: Partial<Record<ErrorCode, string>> = {
  StoreAccessDenied: 'The store refused access',
  StoreKeysExpired: 'The credentials for the store have expired',
  StoreKeysUnknown: 'The store does not accept the credentials',
  StoreKeysMissing: 'There are no credentials for the store',
  StoreClockSkewed: 'The clocks of this machine and of the store differ too much',
  StorePartsRefused: 'The store refused the parts of an upload',
  ObjectArchived: 'The object is in an archive tier and cannot be read',
  StoreThrottled: 'The store asks for fewer requests',
  StoreUnreachable: 'The store does not answer as it should',
  ObjectMissing: 'The object does not exist',
  ObjectExists: 'Another object has this key',
  ObjectDamaged: 'The bytes in the store differ from those that were sent',
  StoreFull: 'The store is full',
  StoreRejected: 'The store refused the request',
};
const NO_BUCKET =
  'Create the bucket, or correct `url`, `endpoint` and `region` of the store in ferry.yaml. ferry creates none.';
const UNTRUSTED =
  /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(GET|VERIFY)|HOSTNAME_)/;

interface SdkError {
  name?: string;
  message?: string;
  code?: unknown;
  $metadata?: { httpStatusCode?: number; clockSkewCorrected?: boolean };
  $response?: { statusCode?: number };
}

export function s3Failure(error: unknown, where: Where): FerryError {
  if (error instanceof FerryError) return error;
  const said = error as SdkError;
  const code = codeOf(said);
  const reason = reasonOf(said);
  const happened = `${HAPPENED[code] ?? 'The request failed'}${reason === '' ? '' : ` (${reason})`}`;
  // A body that was damaged on its way can be sent again; so can a request whose time the SDK has corrected meanwhile.
  const isDamaged = /^(BadDigest|XAmzContent)/.test(said.name ?? '');
  const retryable = isDamaged || said.$metadata?.clockSkewCorrected ? { retryable: true } : {};
  return new FerryError(code, happened, {
    cause: plainCause(error),
    context: { bucket: where.bucket, key: where.key },
    ...(said.name === 'NoSuchBucket' ? { remedy: NO_BUCKET } : {}),
    ...retryable,
  });
}

export function isCode(error: unknown, ...codes: ErrorCode[]): error is FerryError {
  return error instanceof FerryError && codes.includes(error.code);
}

/** What S3 itself called it: "NoSuchUpload". */
export function nameInS3(error: FerryError): string {
  return error.cause instanceof Error ? error.cause.name : '';
}

/** Named by its status alone: an answer to HEAD has no body. */
export function isMute({ name = '' }: { name?: string }): boolean {
  return /^(|Unknown(Error)?|NotFound|BadRequest|Forbidden|Unauthorized|4\d\d)$/.test(name);
}

function codeOf(said: SdkError): ErrorCode {
  const status = said.$metadata?.httpStatusCode ?? said.$response?.statusCode;
  const named = BY_NAME.find(([pattern]) => pattern.test(said.name ?? ''))?.[1];
  if (named !== undefined) return named;
  if (UNTRUSTED.test(networkCode(said))) return 'StoreRejected';
  if (networkCode(said) !== '') return 'StoreUnreachable';
  if (status === undefined) return 'StoreRejected';
  // A 404 of another name is of another thing: of a bucket, of an account.
  if (status === 404) return isMute(said) ? 'ObjectMissing' : 'StoreRejected';
  if (BY_STATUS[status] !== undefined) return BY_STATUS[status];
  return status >= 300 && status < 500 ? 'StoreRejected' : 'StoreUnreachable';
}

function networkCode(said: SdkError): string {
  if (typeof said.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(said.code)) return said.code;
  const { cause, errors } = said as { cause?: SdkError; errors?: SdkError[] };
  return (cause && networkCode(cause)) || (errors?.[0] && networkCode(errors[0])) || '';
}

function reasonOf(said: SdkError): string {
  const name = said.name === 'Error' || said.name === undefined ? networkCode(said) : said.name;
  const message =
    withoutQueries(said.message ?? '')
      .split('\n')[0]
      ?.slice(0, 200) ?? '';
  const plain = message === 'UnknownError' || message === name ? '' : message;
  return [name, plain].filter((text) => text !== '').join(': ');
}

function plainCause(error: unknown): Error {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const cause = new Error(withoutQueries(message));
  cause.name = name;
  if (stack !== undefined) cause.stack = withoutQueries(stack);
  return cause;
}

function withoutQueries(text: string): string {
  return text.replace(/(https?:\/\/[^\s"'`<>?]+)\?[^\s"'`<>]*/gi, '$1');
}
