// Deletes for good. In a bucket with versions a plain delete only hides: the bytes stay and are paid for. So each
// version goes by its id, the oldest first, or an older one would come to light half way.

import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import type { S3Bucket } from './s3-bucket.js';
import { isCode, nameInS3 } from './s3-failures.js';

export async function deleteAllVersions(bucket: S3Bucket, key: string): Promise<void> {
  const versions = await versionsOf(bucket, key);
  if (versions === undefined) return deleteOne(bucket, key);
  for (const version of versions.reverse()) await deleteOne(bucket, key, version);
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

async function deleteOne(bucket: S3Bucket, key: string, version?: string): Promise<void> {
  const which = version === undefined ? {} : { VersionId: version };
  try {
    await bucket.ask(key, (at) => bucket.client.send(new DeleteObjectCommand({ ...at, ...which })));
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
