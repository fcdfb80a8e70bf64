// Looking: what S3 says of objects, and its lists page by page. S3 sorts by the bytes of UTF-8.

import {
  HeadObjectCommand,
  ListObjectsV2Command,
  type HeadObjectCommandOutput,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import type { StoredObject } from './object-store.js';
import type { S3Bucket } from './s3-bucket.js';
import { isCode } from './s3-failures.js';

export function storedObject(key: string, head: HeadObjectCommandOutput): StoredObject {
  return {
    key,
    bytes: head.ContentLength ?? 0,
    etag: head.ETag ?? '',
    modifiedAt: (head.LastModified ?? new Date(0)).toISOString(),
    ...(head.VersionId === undefined ? {} : { versionId: head.VersionId }),
    ...(isArchived(head) ? { archived: true } : {}),
  };
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
