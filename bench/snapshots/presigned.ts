// Addresses by which curl writes to the gateway and reads from it.

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { S3Gateway } from '../../src/local/index.js';

export function presignedPut(gateway: S3Gateway, key: string): Promise<string> {
  return presigned(gateway, new PutObjectCommand({ Bucket: gateway.bucket, Key: key }));
}

export function presignedGet(gateway: S3Gateway, key: string): Promise<string> {
  return presigned(gateway, new GetObjectCommand({ Bucket: gateway.bucket, Key: key }));
}

async function presigned(gateway: S3Gateway, command: PutObjectCommand | GetObjectCommand): Promise<string> {
  const { endpoint, region, accessKeyId, secretAccessKey } = gateway;
  const client = new S3Client({
    ...{ endpoint, region, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' },
    credentials: { accessKeyId, secretAccessKey },
  });
  try {
    return await getSignedUrl(client, command as GetObjectCommand);
  } finally {
    client.destroy();
  }
}
