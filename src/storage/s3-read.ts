// Reads an object as a stream that is whole or throws. A connection that is cut, or silent for a minute, is opened
// again where it stopped, by Range and If-Match, so that two versions are never mixed. Gives up when five attempts in
// a row brought no byte.

import { setTimeout as pause } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { ByteRange } from './object-store.js';
import type { S3Bucket } from './s3-bucket.js';
import { headS3Object } from './s3-objects.js';
import { isCode, s3Failure } from './s3-failures.js';

const ATTEMPTS = 5;

interface Reading {
  bucket: S3Bucket;
  key: string;
  /** The next byte. */
  at: number;
  /** Exclusive; known from the first answer at the latest. */
  end: number | undefined;
  etag: string | undefined;
  signal: AbortSignal | undefined;
}

export async function* readS3Object(
  bucket: S3Bucket,
  key: string,
  options: { range?: ByteRange; signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  const { range, signal } = options;
  const reading: Reading = { bucket, key, at: range?.from ?? 0, end: range?.to, etag: undefined, signal };
  if (await isEmptyRange(reading)) return;
  for (let failures = 0; ;) {
    try {
      for await (const chunk of opened(reading)) {
        failures = 0;
        reading.at += chunk.byteLength;
        yield chunk;
      }
      if (reading.at === reading.end) return;
      throw bucket.failure('StoreUnreachable', 'The stream of an object ended early', key);
    } catch (error) {
      signal?.throwIfAborted();
      const failure = s3Failure(error, { bucket: bucket.name, key: bucket.prefix + key });
      failures += 1;
      if (!failure.retryable || failures === ATTEMPTS) throw failure;
      await pause(100 * 2 ** failures, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** S3 has no Range for nothing, and refuses one that begins where the object ends. */
async function isEmptyRange({ bucket, key, at, end }: Reading): Promise<boolean> {
  if (at === 0 && end === undefined) return false;
  if (end !== undefined && end > at) return false;
  const head = await headS3Object(bucket, key);
  if (head === undefined) throw bucket.failure('ObjectMissing', 'The object does not exist', key);
  if (head.bytes < at) throw tooShort(bucket, key, head.bytes, at);
  return head.bytes === at || end !== undefined;
}

async function* opened(reading: Reading): AsyncGenerator<Uint8Array> {
  const answer = await request(reading);
  const { first, total } = extentOf(answer);
  reading.etag ??= answer.ETag;
  reading.end ??= total;
  if (total < reading.end) throw tooShort(reading.bucket, reading.key, total, reading.end);
  if (first !== reading.at) {
    throw reading.bucket.failure('StoreRejected', 'The store ignores Range', reading.key);
  }
  yield* answer.Body as Readable;
}

async function request({ bucket, key, at, end, etag, signal }: Reading): Promise<GetObjectCommandOutput> {
  const whole = at === 0 && end === undefined;
  const range = whole ? {} : { Range: `bytes=${at}-${end === undefined ? '' : end - 1}` };
  const same = etag === undefined ? {} : { IfMatch: etag };
  try {
    const options = signal === undefined ? {} : { abortSignal: signal };
    return await bucket.ask(
      key,
      (place) => bucket.client.send(new GetObjectCommand({ ...place, ...range, ...same }), options),
      signal,
    );
  } catch (error) {
    if (isCode(error, 'ObjectExists') || (etag !== undefined && isCode(error, 'ObjectMissing'))) {
      throw bucket.failure('ObjectDamaged', 'The object was replaced while it was read', key);
    }
    if (isCode(error, 'ObjectDamaged')) {
      throw bucket.failure('ObjectDamaged', `The object ends before byte ${at}`, key);
    }
    throw error;
  }
}

/** "bytes 0-49/50", or without a Range the length itself. */
function extentOf(answer: GetObjectCommandOutput): { first: number; total: number } {
  const said = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.ContentRange ?? '');
  if (said !== null) return { first: Number(said[1]), total: Number(said[2]) };
  // Without any length a cut stream could not be told from a whole one: NaN equals nothing, so it never counts as whole.
  return { first: 0, total: answer.ContentLength ?? Number.NaN };
}

function tooShort(bucket: S3Bucket, key: string, bytes: number, wanted: number): Error {
  return bucket.failure('ObjectDamaged', `The object has ${bytes} bytes where ${wanted} are wanted`, key);
}
