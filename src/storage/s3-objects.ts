// Objects in S3: what is said of them, lists page by page (S3 sorts by the bytes of UTF-8), reading, and deleting for good.
// A stream is whole or throws: where it is cut it is opened again by Range and If-Match, so that two versions are never
// mixed.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import type { ByteRange, StoredObject, WriteOptions } from './object-store.js';
import { resumed } from './retry.js';
import type { S3Bucket, S3Place } from './s3-bucket.js';
import { isCode, nameInS3, s3Failure } from './s3-failures.js';

export function storedObject(key: string, head: HeadObjectCommandOutput): StoredObject {
  return {
    key,
    bytes: head.ContentLength ?? 0,
    etag: head.ETag ?? '',
    modifiedAt: (head.LastModified ?? new Date(0)).toISOString(),
    ...(head.VersionId === undefined ? {} : { versionId: head.VersionId }),
    ...(isArchived(head) ? { archived: true } : {}),
    ...lockOf(head),
  };
}

function lockOf({
  ObjectLockRetainUntilDate: until,
  ObjectLockLegalHoldStatus: hold,
}: HeadObjectCommandOutput): { lockedBy?: string } {
  if (hold === 'ON') return { lockedBy: 'under a legal hold' };
  if (until === undefined || until.getTime() <= Date.now()) return {};
  return { lockedBy: `locked by the store until ${until.toISOString()}` };
}

/** GLACIER_IR is read at once; the others of AWS, of Scaleway and OSS are not. A restored copy is readable for some days. */
const ARCHIVES = /^(GLACIER|DEEP_ARCHIVE|Archive|ColdArchive|DeepColdArchive)$/;

type Tier = Partial<Pick<HeadObjectCommandOutput, 'StorageClass' | 'ArchiveStatus' | 'Restore'>>;

function isArchived(said: Tier): boolean {
  const isInArchive = said.ArchiveStatus !== undefined || ARCHIVES.test(said.StorageClass ?? '');
  return isInArchive && !/ongoing-request="false"/.test(said.Restore ?? '');
}

export async function headS3Object(bucket: S3Bucket, key: string): Promise<StoredObject | undefined> {
  try {
    const head = await bucket.ask(key, (at) => bucket.client.send(new HeadObjectCommand(at)));
    return storedObject(key, head);
  } catch (error) {
    if (isCode(error, 'ObjectMissing')) return undefined;
    throw error;
  }
}

export async function* listS3Objects(
  bucket: S3Bucket,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<StoredObject> {
  const from = after === undefined ? {} : { StartAfter: bucket.prefix + after };
  for await (const page of pages(bucket, prefix, from)) {
    for (const { Key, Size, ETag, LastModified, StorageClass } of page.Contents ?? []) {
      yield {
        key: plain(page, Key).slice(bucket.prefix.length),
        bytes: Size ?? 0,
        etag: ETag ?? '',
        modifiedAt: (LastModified ?? new Date(0)).toISOString(),
        ...(StorageClass !== undefined && isArchived({ StorageClass }) ? { archived: true } : {}),
      };
    }
  }
}

export async function* listS3Folders(bucket: S3Bucket, prefix: string): AsyncGenerator<string> {
  for await (const page of pages(bucket, prefix, { Delimiter: '/' })) {
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      yield plain(page, Prefix).slice(bucket.prefix.length + prefix.length, -1);
    }
  }
}

async function* pages(
  bucket: S3Bucket,
  prefix: string,
  more: Partial<ListObjectsV2CommandInput>,
): AsyncGenerator<ListObjectsV2CommandOutput> {
  let token: string | undefined;
  do {
    const next = token === undefined ? {} : { ContinuationToken: token };
    const page: ListObjectsV2CommandOutput = await bucket.ask(prefix, ({ Bucket, Key }) =>
      // Encoded, or XML would lose spaces at the ends of keys and control characters.
      bucket.client.send(
        new ListObjectsV2Command({ Bucket, Prefix: Key, EncodingType: 'url', ...more, ...next }),
      ),
    );
    yield page;
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** Not every gateway encodes, asked or not; those that do say so. */
function plain(page: ListObjectsV2CommandOutput, key = ''): string {
  return page.EncodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key;
}

interface Reading {
  bucket: S3Bucket;
  key: string;
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
  const from = range?.from ?? 0;
  const reading: Reading = { bucket, key, end: range?.to, etag: undefined, signal };
  if (await isEmptyRange(reading, from)) return;
  yield* resumed(from, (at) => opened(reading, at), signal);
}

/** S3 has no Range for nothing, and refuses one that begins where the object ends. */
async function isEmptyRange({ bucket, key, end }: Reading, at: number): Promise<boolean> {
  if (at === 0 && end === undefined) return false;
  if (end !== undefined && end > at) return false;
  const head = await headS3Object(bucket, key);
  if (head === undefined) throw bucket.failure('ObjectMissing', 'The object does not exist', key);
  if (head.bytes < at) throw tooShort(bucket, key, head.bytes, at);
  return head.bytes === at || end !== undefined;
}

async function* opened(reading: Reading, at: number): AsyncGenerator<Uint8Array> {
  const { bucket, key } = reading;
  const answer = await request(reading, at);
  const { first, total } = extentOf(answer);
  reading.etag ??= answer.ETag;
  reading.end ??= total;
  if (total < reading.end) throw tooShort(bucket, key, total, reading.end);
  if (first !== at) throw bucket.failure('StoreRejected', 'The store ignores Range', key);
  let next = at;
  try {
    for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
      next += chunk.byteLength;
      yield chunk;
    }
  } catch (error) {
    throw s3Failure(error, { bucket: bucket.name, key: bucket.prefix + key });
  }
  if (next !== reading.end) {
    throw bucket.failure('StoreUnreachable', 'The stream of an object ended early', key);
  }
}

async function request(reading: Reading, at: number): Promise<GetObjectCommandOutput> {
  const { bucket, key, end, etag, signal } = reading;
  const whole = at === 0 && end === undefined;
  const range = whole ? {} : { Range: `bytes=${at}-${end === undefined ? '' : end - 1}` };
  const same = etag === undefined ? {} : { IfMatch: etag };
  const options = signal === undefined ? {} : { abortSignal: signal };
  try {
    return await bucket.ask(
      key,
      (place) => bucket.client.send(new GetObjectCommand({ ...place, ...range, ...same }), options),
      { signal },
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

/**
 * In a bucket with versions a plain delete only hides: the bytes stay and are paid for. So each version goes by its id,
 * the oldest first, or an older one would come to light half way.
 */
export async function deleteAllVersions(
  bucket: S3Bucket,
  key: string,
  options: WriteOptions = {},
): Promise<void> {
  const versions = await versionsOf(bucket, key);
  if (versions === undefined) return deleteOne(bucket, key, options);
  for (const version of versions.reverse()) await deleteOne(bucket, key, options, version);
}

/** Ids, the newest first; `undefined` where the store knows no versions. */
async function versionsOf(bucket: S3Bucket, key: string): Promise<(string | undefined)[] | undefined> {
  const found: { id: string | undefined; at: number }[] = [];
  let from: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await pageOf(bucket, key, from);
    if (page === undefined) return undefined;
    const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    for (const { Key, VersionId, LastModified } of all) {
      if (Key === bucket.prefix + key) found.push({ id: VersionId, at: LastModified?.getTime() ?? 0 });
    }
    // The key itself comes first among all that begin with it.
    if (!page.IsTruncated || all.some(({ Key }) => Key !== bucket.prefix + key)) break;
    from = markers(page);
  }
  return found.sort((a, b) => b.at - a.at).map(({ id }) => id);
}

async function pageOf(
  bucket: S3Bucket,
  key: string,
  from: { KeyMarker?: string; VersionIdMarker?: string },
): Promise<ListObjectVersionsCommandOutput | undefined> {
  try {
    return await bucket.ask(key, ({ Bucket, Key }) =>
      bucket.client.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key, ...from })),
    );
  } catch (error) {
    const lacking =
      isCode(error, 'StoreRejected') && /^(NotImplemented|MethodNotAllowed)$/.test(nameInS3(error));
    if (lacking) return undefined;
    throw error;
  }
}

function markers(page: ListObjectVersionsCommandOutput): { KeyMarker?: string; VersionIdMarker?: string } {
  const { NextKeyMarker, NextVersionIdMarker } = page;
  return {
    ...(NextKeyMarker === undefined ? {} : { KeyMarker: NextKeyMarker }),
    ...(NextVersionIdMarker === undefined ? {} : { VersionIdMarker: NextVersionIdMarker }),
  };
}

async function deleteOne(
  bucket: S3Bucket,
  key: string,
  options: WriteOptions,
  version?: string,
): Promise<void> {
  const which = version === undefined ? {} : { VersionId: version };
  try {
    const { beforeRequest } = options;
    const request = (at: S3Place) => bucket.client.send(new DeleteObjectCommand({ ...at, ...which }));
    await bucket.ask(key, request, { beforeRequest });
  } catch (error) {
    if (isCode(error, 'ObjectMissing')) return;
    if (
      isCode(error, 'StoreAccessDenied', 'StoreRejected') &&
      (await isLocked(bucket, key, version, error.happened))
    ) {
      throw bucket.failure('StoreRejected', 'Object Lock keeps this object; it cannot be deleted yet', key);
    }
    throw error;
  }
}

/** The store calls it "access denied" as well; so look at the object. */
async function isLocked(
  bucket: S3Bucket,
  key: string,
  version: string | undefined,
  said: string,
): Promise<boolean> {
  if (/object.?lock|WORM|retention|legal hold/i.test(said)) return true;
  const which = version === undefined ? {} : { VersionId: version };
  const head = await bucket
    .ask(key, (at) => bucket.client.send(new HeadObjectCommand({ ...at, ...which })))
    .catch(() => undefined);
  const until = head?.ObjectLockRetainUntilDate?.getTime() ?? 0;
  return until > Date.now() || head?.ObjectLockLegalHoldStatus === 'ON';
}
