// Pages of S3's lists of parts and of uploads, in the order of the store. Throws ObjectMissing when an upload is gone.

import {
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type ListMultipartUploadsCommandOutput,
  type ListPartsCommandOutput,
} from '@aws-sdk/client-s3';
import { base64ToHex } from './content-hash.js';
import type { StoredPart, UnfinishedUpload } from './object-store.js';
import type { S3Bucket } from './s3-bucket.js';

export type ListedPart = Omit<StoredPart, 'sha256'> & { sha256: string | undefined };

const NOBODY = '0'.repeat(16);

export async function listParts(bucket: S3Bucket, key: string, uploadId: string): Promise<ListedPart[]> {
  const found: ListedPart[] = [];
  let after: string | undefined;
  do {
    const from = after === undefined ? {} : { PartNumberMarker: after };
    const page: ListPartsCommandOutput = await bucket.ask(key, (at) =>
      bucket.client.send(new ListPartsCommand({ ...at, UploadId: uploadId, ...from })),
    );
    for (const { PartNumber, Size, ETag, ChecksumSHA256 } of page.Parts ?? []) {
      const sha256 = ChecksumSHA256 === undefined ? undefined : base64ToHex(ChecksumSHA256);
      found.push({ number: PartNumber ?? 0, bytes: Size ?? 0, etag: ETag ?? '', sha256 });
    }
    after = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (after !== undefined);
  return found.sort((a, b) => a.number - b.number);
}

export async function* listUploads(bucket: S3Bucket, prefix: string): AsyncGenerator<UnfinishedUpload> {
  let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (from !== undefined) {
    const markers: { KeyMarker?: string; UploadIdMarker?: string } = from;
    const page: ListMultipartUploadsCommandOutput = await bucket.ask(prefix, ({ Bucket, Key }) =>
      bucket.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key, ...markers })),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      // Whoever opens it this way may abort it; its nonce is known to its owner alone.
      const id = `${NOBODY}.${UploadId}`;
      yield {
        key: Key?.slice(bucket.prefix.length) ?? '',
        id,
        startedAt: (Initiated ?? new Date(0)).toISOString(),
      };
    }
    from = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' }
      : undefined;
  }
}
