// From what a node or the network answered to a FerryError. Promises that no query string of a URL (presigned ones
// are secrets, and Qdrant repeats them) and no API key gets into a message. Knows REST only; gRPC has its own.

import { connect } from 'node:tls';
import { tlsOf, type ClusterConnection } from '../model/cluster.js';
import { FerryError, LostAnswer, type ErrorCode, type ErrorContext } from '../model/errors.js';
import { codeOfSentence, deadPeerIn, inOneLine } from './refusal-sentences.js';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const UNTRUSTED =
  /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(GET|VERIFY)|HOSTNAME_)/;

export function transportFailure(cause: unknown, where: ErrorContext): FerryError {
  const code = causeCode(cause);
  const at = `${where.node ?? 'the node'}`;
  if (UNREACHABLE.has(code)) {
    return new FerryError('ClusterUnreachable', `No connection to ${at} (${code})`, {
      cause,
      context: where,
    });
  }
  if (UNTRUSTED.test(code)) {
    const hint = code === 'ERR_SSL_WRONG_VERSION_NUMBER' ? 'it does not speak TLS' : code;
    return new FerryError('ClusterUntrusted', `No trusted TLS connection to ${at} (${hint})`, {
      cause,
      context: where,
    });
  }
  if (code.endsWith('_TIMEOUT')) {
    return new FerryError('QdrantUnavailable', `${at} did not answer in time`, { cause, context: where });
  }
  const reason = code || (cause instanceof Error ? cause.message : String(cause));
  return new FerryError('QdrantUnavailable', `The connection to ${at} broke (${reason})`, {
    cause,
    context: where,
  });
}

export function answerFailure(
  status: number,
  text: string,
  retryAfter: string | string[] | undefined,
  path: string,
  where: ErrorContext,
): FerryError {
  const sentence = inOneLine(withoutQueries(qdrantReason(text)));
  const context = { ...where, status };
  const code = codeOf(status, sentence, path);
  if (code === 'ClusterKeyRefused') {
    return new FerryError(code, `Qdrant at ${where.node} refused the API key`, { context });
  }
  if (code === 'ClusterUnauthorized') {
    const right = /^Forbidden: /.test(sentence) ? `: ${sentence}` : '';
    return new FerryError(code, `Qdrant at ${where.node} refused the permissions of the API key${right}`, {
      context,
    });
  }
  const reason = sentence || 'without a reason';
  const happened = `${deadPeerIn(sentence)}Qdrant answered ${status}: ${reason}${likelyCause(sentence)}`;
  const retryAfterMs = parseRetryAfter(retryAfter);
  return new FerryError(code, happened, retryAfterMs === undefined ? { context } : { context, retryAfterMs });
}

/** What the official client threw: an answer with a status, or what `fetch` threw. */
export function officialFailure(error: unknown, where: ErrorContext): FerryError {
  const { status, data, headers, url, retry_after: seconds } = error as Partial<OfficialError>;
  if (typeof status === 'number') {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    const path = URL.canParse(url ?? '') ? new URL(url ?? '').pathname : '/';
    return answerFailure(status, text ?? '', headers?.get('retry-after') ?? undefined, path, where);
  }
  if (typeof seconds === 'number') {
    const happened = `Qdrant answered 429: ${String((error as Error).message) || 'without a reason'}`;
    return new FerryError('QdrantThrottled', happened, { context: where, retryAfterMs: seconds * 1_000 });
  }
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return transportFailure(
      Object.assign(new Error('time-out', { cause: error }), { code: '_TIMEOUT' }),
      where,
    );
  if (error instanceof Error && error.cause instanceof Error && error.cause.message === 'bad port') {
    const happened = `${where.node} has a port that fetch refuses to connect to (https://fetch.spec.whatwg.org/#port-blocking)`;
    return new FerryError('InvalidConfig', happened, { cause: error, context: where });
  }
  return transportFailure(error, where);
}

/** Its `ApiError`, or its `QdrantClientResourceExhaustedError`. */
interface OfficialError {
  /** Seconds. */
  retry_after: number;
  status: number;
  data: unknown;
  headers: Headers;
  url: string;
}

/** A file of a snapshot that could not be written: Qdrant leaves out the operating system's reason. */
function likelyCause(sentence: string): string {
  return /failed to unpack `/.test(sentence)
    ? ' (it gives no reason; most often the disk of that node is full)'
    : '';
}

/** Its answers all have a status and a time; a page of a proxy does not. */
export function isQdrants(text: string): boolean {
  try {
    const answer = JSON.parse(text) as { status?: unknown; time?: unknown } | null;
    return answer !== null && answer.status !== undefined && typeof answer.time === 'number';
  } catch {
    return false;
  }
}

/** No connection was made. */
export function isUnsent(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(String(code));
}

export function asLostAnswer(failure: FerryError): LostAnswer {
  const { happened, context } = failure;
  return new LostAnswer('QdrantUnavailable', happened, { cause: failure, context });
}

function codeOf(status: number, sentence: string, path: string): ErrorCode {
  if (status === 403 && codeOfSentence(sentence) === 'QdrantReadOnly') return 'QdrantReadOnly';
  if (status === 401) return 'ClusterKeyRefused';
  if (status === 403) return 'ClusterUnauthorized';
  if (status === 404 && isMissingCollection(sentence, path)) return 'CollectionNotFound';
  const meant = codeOfSentence(sentence);
  if (meant !== undefined) return meant;
  if (status === 429) return 'QdrantThrottled';
  if (status === 507) return 'QdrantDiskFull';
  if (status === 408 || status >= 500) return 'QdrantUnavailable';
  return 'QdrantRejected';
}

function isMissingCollection(sentence: string, path: string): boolean {
  return path.startsWith('/collections/') && /collection .*(doesn't exist|not found)/i.test(sentence);
}

/** Qdrant's own sentence, or the beginning of whatever a proxy in front of it wrote. */
function qdrantReason(text: string): string {
  try {
    const answer = JSON.parse(text) as { status?: { error?: unknown } };
    if (typeof answer.status?.error === 'string') return answer.status.error.slice(0, 1_000);
  } catch {
    // Not Qdrant's JSON: a proxy's page.
  }
  return wordsOf(text).slice(0, 300);
}

/** What a page of HTML says, in one line. */
function wordsOf(page: string): string {
  return page
    .replace(/<(style|script)\b.*?<\/\1>|<[^>]*>/gis, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

export function withoutQueries(text: string): string {
  return text.replace(/(https?:\/\/[^\s"'`<>?]+)\?[^\s"'`<>]*/gi, '$1');
}

function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  const first = Array.isArray(header) ? header[0] : header;
  if (first === undefined) return undefined;
  const seconds = Number(first);
  const wait = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(first) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** undici wraps: several addresses tried become an AggregateError, TLS a cause. */
function causeCode(error: unknown, depth = 0): string {
  if (depth > 4 || typeof error !== 'object' || error === null) return '';
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown[] };
  if (typeof code === 'string') return code;
  return causeCode(cause, depth + 1) || causeCode(errors?.[0], depth + 1);
}

const ALERT_WITHIN_MS = 2_000;

/**
 * Why a node closed a TLS connection that was established: it sends an alert after the handshake (TLS 1.3), which undici
 * reports as "other side closed". Connects once more, with nothing but TLS. OpenSSL's name for the alert,
 * "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"; `undefined` where the node sends none.
 */
export function tlsAlertOf(url: string, connection: ClusterConnection): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const options = { host: hostname, port: Number(port || 443), ...tlsOf(connection) };
    const socket = connect(options, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    const end = (code?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code?.startsWith('ERR_SSL_') ? code : undefined);
    };
    const timer = setTimeout(end, ALERT_WITHIN_MS);
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code));
    socket.once('data', () => end());
    socket.once('close', () => end());
  });
}
