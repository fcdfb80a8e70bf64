// What a provider of S3 can do, known by its profile or found out by a probe. Promises that a missing ability is said
// in a sentence, and that the probe leaves nothing behind where it may delete.

import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { StoreConnection } from '../model/ferry-config.js';
import { hexToBase64, sha256Of } from './content-hash.js';
import type { S3Bucket, S3Place } from './s3-bucket.js';
import { deleteAllVersions } from './s3-delete.js';
import { isCode } from './s3-failures.js';

export interface S3Capabilities {
  /** If-None-Match on a write. */
  conditionalWrites: boolean;
  /** Checked on arrival, and kept for each part of an upload. */
  sha256: boolean;
  deletes: boolean;
}

/** `undefined` where only a probe can tell. */
export function knownCapabilities({ profile, endpoint }: StoreConnection): S3Capabilities | undefined {
  if (profile === 'oss' || profile === 'gcs')
    return { conditionalWrites: false, sha256: false, deletes: true };
  if (profile === 'aws' || (profile === undefined && endpoint === undefined)) {
    return { conditionalWrites: true, sha256: true, deletes: true };
  }
  return undefined;
}

export function limitationsOf(able: S3Capabilities): string[] {
  const lacks: string[] = [];
  if (!able.conditionalWrites) {
    lacks.push(
      'No conditional writes: before something is written once, ferry looks whether it is there; two writers at the same moment are not told apart.',
    );
  }
  if (!able.sha256) {
    lacks.push(
      'No SHA-256 checksums: the store checks MD5 on arrival, and parts that another process sent are sent again.',
    );
  }
  if (!able.deletes)
    lacks.push(
      'Nothing can be deleted (rights, or Object Lock): pruning will fail, and the probe left a small object in .ferry-probe/.',
    );
  return lacks;
}

/** Throws when the store cannot be reached or written at all. */
export async function probeS3(bucket: S3Bucket): Promise<S3Capabilities> {
  const key = `.ferry-probe/${randomBytes(8).toString('hex')}`;
  const conditionalWrites = await hasConditionalWrites(bucket, key);
  const sha256 = (await refusesWrongSha256(bucket, key)) && (await keepsSha256OfParts(bucket, key));
  const deletes = await succeeds(() => deleteAllVersions(bucket, key), 'StoreAccessDenied');
  return { conditionalWrites, sha256, deletes };
}

async function hasConditionalWrites(bucket: S3Bucket, key: string): Promise<boolean> {
  const first = await succeeds(() => bucket.put(key, Buffer.from('1'), { IfNoneMatch: '*' }));
  if (!first) await bucket.put(key, Buffer.from('1'), {});
  const second = await succeeds(() => bucket.put(key, Buffer.from('2'), { IfNoneMatch: '*' }));
  return first && !second;
}

async function refusesWrongSha256(bucket: S3Bucket, key: string): Promise<boolean> {
  const ofAnother = hexToBase64(await sha256Of(Buffer.from('another')));
  return !(await succeeds(() => bucket.put(key, Buffer.from('3'), { ChecksumSHA256: ofAnother })));
}

async function keepsSha256OfParts(bucket: S3Bucket, key: string): Promise<boolean> {
  const body = Buffer.from('part');
  const checksum = hexToBase64(await sha256Of(body));
  const { client } = bucket;
  const attempt = async (at: S3Place) => {
    const created = await client.send(
      new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'SHA256' }),
    );
    const upload = { ...at, UploadId: created.UploadId };
    try {
      const part = { ...upload, PartNumber: 1, Body: body, ChecksumSHA256: checksum };
      await client.send(new UploadPartCommand(part));
      const { Parts } = await client.send(new ListPartsCommand(upload));
      return Parts?.[0]?.ChecksumSHA256 === checksum;
    } finally {
      await client.send(new AbortMultipartUploadCommand(upload));
    }
  };
  return bucket.ask(key, attempt).catch((error: unknown) => {
    if (isRefusal(error)) return false;
    throw error;
  });
}

/** Whether the store did it. Only a refusal says that it cannot; anything else is not an answer. */
async function succeeds(
  attempt: () => Promise<unknown>,
  ...alsoNo: ['StoreAccessDenied'?]
): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    if (isRefusal(error) || (alsoNo[0] !== undefined && isCode(error, alsoNo[0]))) return false;
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return isCode(error, 'StoreRejected', 'ObjectExists', 'ObjectDamaged');
}
