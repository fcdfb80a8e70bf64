// Backups in S3 or what speaks like it. Keeps the promises of the port on every provider: what it lacks is replaced by
// the next best thing and said in `limitations`. Knows nothing of backups; makes no key of its own but a probe's.

import { GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { partRulesOf, type StoreConnection } from '../model/ferry-config.js';
import type { PartRules } from '../model/format/part-sizes.js';
import { hexToBase64, md5Of, sha256Of } from './content-hash.js';
import type { ByteRange, ObjectStore, StoredObject, UnfinishedUpload, Upload } from './object-store.js';
import { S3Bucket } from './s3-bucket.js';
import { knownCapabilities, limitationsOf, probeS3, type S3Capabilities } from './s3-capabilities.js';
import { deleteAllVersions } from './s3-delete.js';
import { isCode } from './s3-failures.js';
import { headS3Object, listS3Folders, listS3Objects } from './s3-objects.js';
import { listParts, listUploads } from './s3-parts.js';
import { readS3Object } from './s3-read.js';
import { isSameContent } from './same-content.js';
import { beginS3Upload, S3Upload } from './s3-upload.js';

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
    options: { ifAbsent?: boolean; contentType?: string } = {},
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
      await this.#bucket.put(key, body, { ...condition, ...check, ...type });
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

  delete(key: string): Promise<void> {
    return deleteAllVersions(this.#bucket, key);
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
