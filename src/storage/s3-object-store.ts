// Backups in S3 or what speaks like it. Keeps the promises of the port on every provider: what it lacks is replaced by
// the next best thing and said in `limitations`. A probe leaves nothing behind where it may delete. Knows nothing of backups;
// makes no key of its own but a probe's.

import { randomBytes } from 'node:crypto';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { partRulesOf, type StoreConnection } from '../model/ferry-config.js';
import type { PartRules } from '../model/format/part-sizes.js';
import { hexToBase64, isSameContent, md5Of, sha256Of } from './content-hash.js';
import type {
  ByteRange,
  ObjectStore,
  StoredObject,
  UnfinishedUpload,
  Upload,
  WriteOptions,
} from './object-store.js';
import { S3Bucket, type S3Capabilities } from './s3-bucket.js';
import { isCode } from './s3-failures.js';
import { deleteAllVersions, headS3Object, listS3Folders, listS3Objects, readS3Object } from './s3-objects.js';
import { beginS3Upload, listParts, listUploads, S3Upload } from './s3-upload.js';

export class S3ObjectStore implements ObjectStore {
  readonly alias: string;
  readonly partRules: PartRules;
  readonly #bucket: S3Bucket;
  #able: S3Capabilities | undefined;
  #probing: Promise<S3Capabilities> | undefined;

  constructor(store: StoreConnection) {
    this.alias = store.alias;
    this.#bucket = new S3Bucket(store);
    this.#able = knownCapabilities(store);
    this.partRules = partRulesOf(store);
  }

  /** Empty until somebody probed or wrote, where the profile does not say. */
  get limitations(): readonly string[] {
    return this.#able === undefined ? [] : limitationsOf(this.#able);
  }

  /** Asks the store itself, whatever the profile says. */
  async probe(): Promise<S3Capabilities> {
    this.#able = await probeS3(this.#bucket);
    return this.#able;
  }

  async put(
    key: string,
    body: Uint8Array,
    options: { ifAbsent?: boolean; contentType?: string } & WriteOptions = {},
  ): Promise<StoredObject> {
    const able = await this.#abilities();
    if (options.ifAbsent && !able.conditionalWrites) {
      const there = await this.head(key);
      if (there !== undefined) return this.#acceptSame(there, body);
    }
    const condition = options.ifAbsent && able.conditionalWrites ? { IfNoneMatch: '*' } : {};
    const check = able.sha256
      ? { ChecksumSHA256: hexToBase64(await sha256Of(body)) }
      : { ContentMD5: md5Of(body) };
    const type = options.contentType === undefined ? {} : { ContentType: options.contentType };
    try {
      const { beforeRequest } = options;
      await this.#bucket.put(key, body, { ...condition, ...check, ...type }, { beforeRequest });
    } catch (error) {
      if (!isCode(error, 'ObjectExists')) throw error;
      return this.#acceptSame(await this.#present(key), body);
    }
    return this.#present(key);
  }

  async upload(key: string): Promise<Upload> {
    return beginS3Upload(this.#bucket, await this.#abilities(), key);
  }

  async resumeUpload(key: string, id: string): Promise<Upload | undefined> {
    try {
      await listParts(this.#bucket, key, id.slice(id.indexOf('.') + 1));
    } catch (error) {
      if (isCode(error, 'ObjectMissing')) return undefined;
      throw error;
    }
    return new S3Upload(this.#bucket, await this.#abilities(), key, id);
  }

  uploads(prefix: string): AsyncIterable<UnfinishedUpload> {
    return listUploads(this.#bucket, prefix);
  }

  head(key: string): Promise<StoredObject | undefined> {
    return headS3Object(this.#bucket, key);
  }

  read(key: string, options: { range?: ByteRange; signal?: AbortSignal } = {}): AsyncIterable<Uint8Array> {
    return readS3Object(this.#bucket, key, options);
  }

  list(prefix: string, options: { after?: string } = {}): AsyncIterable<StoredObject> {
    return listS3Objects(this.#bucket, prefix, options.after);
  }

  folders(prefix: string): AsyncIterable<string> {
    return listS3Folders(this.#bucket, prefix);
  }

  delete(key: string, options?: WriteOptions): Promise<void> {
    return deleteAllVersions(this.#bucket, key, options);
  }

  /** A signature is worth nothing once the credentials have ended that made it: so it says no more than that. */
  async presignedUrl(key: string, seconds: number): Promise<string> {
    const { expiration } = await this.#bucket.ask(key, () => this.#bucket.credentials.current());
    const left = expiration === undefined ? seconds : Math.floor((expiration.getTime() - Date.now()) / 1_000);
    const expiresIn = Math.max(1, Math.min(seconds, left));
    return this.#bucket.ask(key, (at) =>
      getSignedUrl(this.#bucket.client, new GetObjectCommand(at), { expiresIn }),
    );
  }

  async #abilities(): Promise<S3Capabilities> {
    if (this.#able !== undefined) return this.#able;
    this.#probing ??= this.probe().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #present(key: string): Promise<StoredObject> {
    const head = await this.head(key);
    if (head !== undefined) return head;
    throw this.#bucket.failure('ObjectMissing', 'The object disappeared right after it was written', key);
  }

  /** The answer to a repeated write is the object itself; only other content is somebody else's. */
  async #acceptSame(there: StoredObject, body: Uint8Array): Promise<StoredObject> {
    if (there.bytes === body.byteLength && (await isSameContent(this.read(there.key), body))) return there;
    throw this.#bucket.failure('ObjectExists', 'Another object has this key', there.key);
  }
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
  const wrong = { ChecksumSHA256: ofAnother };
  // A store that checks says no; six times no would be two seconds of every job.
  return !(await succeeds(() => bucket.put(key, Buffer.from('3'), wrong, { expected: 'ObjectDamaged' })));
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
