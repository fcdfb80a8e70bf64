// What a provider of S3 can do, known by its profile or found out by a probe. Promises that a missing ability is said
// in a sentence, and that the probe leaves nothing behind where it may delete.

import { randomBytes } from 'node:crypto';
import type { StoreConnection } from '../model/ferry-config.js';
import { hexToBase64, md5Of, sha256Of } from './content-hash.js';
import type { S3Bucket } from './s3-bucket.js';
import { deleteAllVersions } from './s3-delete.js';
import { isCode } from './s3-failures.js';
import { listParts, listUploads } from './s3-parts.js';
import { beginS3Upload, S3Upload } from './s3-upload.js';

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
      'No conditional writes: ferry looks for an object before it writes one that must not be overwritten; two writers at the same moment are not told apart.',
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

const PROBES = '.ferry-probe/';
/** Longer than a probe takes. */
const PROBE_IS_DEAD_AFTER_MS = 10 * 60_000;

/** Throws when the store cannot be reached or written at all. */
export async function probeS3(bucket: S3Bucket, now = Date.now()): Promise<S3Capabilities> {
  await abortDeadProbes(bucket, now);
  const key = `${PROBES}${randomBytes(8).toString('hex')}`;
  const conditionalWrites = await hasConditionalWrites(bucket, key);
  const sha256 = (await refusesWrongSha256(bucket, key)) && (await keepsSha256OfParts(bucket, key));
  const deletes = await succeeds(() => deleteAllVersions(bucket, key), 'StoreAccessDenied');
  return { conditionalWrites, sha256, deletes };
}

async function hasConditionalWrites(bucket: S3Bucket, key: string): Promise<boolean> {
  const put = (text: string, more: { IfNoneMatch?: string }) => {
    const body = Buffer.from(text);
    // As a job does: a bucket with a default retention takes nothing without MD5 or checksum.
    return bucket.put(key, body, { ContentMD5: md5Of(body), ...more });
  };
  const first = await succeeds(() => put('1', { IfNoneMatch: '*' }));
  if (!first) await put('1', {});
  const second = await succeeds(() => put('2', { IfNoneMatch: '*' }));
  return first && !second;
}

async function refusesWrongSha256(bucket: S3Bucket, key: string): Promise<boolean> {
  const ofAnother = hexToBase64(await sha256Of(Buffer.from('another')));
  return !(await succeeds(() => bucket.put(key, Buffer.from('3'), { ChecksumSHA256: ofAnother })));
}

async function keepsSha256OfParts(bucket: S3Bucket, key: string): Promise<boolean> {
  const body = Buffer.from('part');
  const sha256 = await sha256Of(body);
  const able = { conditionalWrites: false, sha256: true, deletes: true };
  try {
    const upload = await beginS3Upload(bucket, able, key);
    await upload.putPart(1, body);
    const [part] = await listParts(bucket, key, upload.uploadId);
    return part?.sha256 === sha256;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  } finally {
    await abortAllUploads(bucket, able, key);
  }
}

/** A worker that was killed in its probe has left an upload of four bytes. */
async function abortDeadProbes(bucket: S3Bucket, now: number): Promise<void> {
  const able = { conditionalWrites: false, sha256: false, deletes: true };
  try {
    for await (const { key, id, startedAt } of listUploads(bucket, PROBES)) {
      if (Date.parse(startedAt) < now - PROBE_IS_DEAD_AFTER_MS)
        await new S3Upload(bucket, able, key, id).abort();
    }
  } catch (error) {
    if (!isRefusal(error) && !isCode(error, 'StoreAccessDenied')) throw error;
  }
}

/** All under the key, and not only the one we know: an answer that was lost began an upload that nobody knows. */
async function abortAllUploads(bucket: S3Bucket, able: S3Capabilities, key: string): Promise<void> {
  for (const id of await uploadsUnder(bucket, key)) await new S3Upload(bucket, able, key, id).abort();
}

async function uploadsUnder(bucket: S3Bucket, key: string): Promise<string[]> {
  const ids: string[] = [];
  try {
    for await (const { id } of listUploads(bucket, key)) ids.push(id);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  return ids;
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
