// A multipart upload that survives its process. Promises: each part goes with its SHA-256, which the store checks on
// arrival and gives back to whoever resumes; an object appears only by `complete`; `abort` leaves no part. A part that
// was damaged on its way is sent again.
//
// Whose object stands under the key after an answer was lost? Ours carries the upload's own nonce as metadata. The id
// is "nonce.uploadId", because an id of S3 says nothing any more once the upload is complete.

import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  type HeadObjectCommandOutput,
  type ListMultipartUploadsCommandOutput,
  type ListPartsCommandOutput,
} from '@aws-sdk/client-s3';
import { FerryError, hasTrait } from '../model/errors.js';
import { base64ToHex, hexToBase64, md5Of, sha256Of } from './content-hash.js';
import type { StoredObject, StoredPart, UnfinishedUpload, Upload } from './object-store.js';
import type { S3Bucket, S3Capabilities } from './s3-bucket.js';
import { isCode } from './s3-failures.js';
import { storedObject } from './s3-objects.js';

const SENT_BY = 'ferry-upload';
const NOBODY = '0'.repeat(16);

export async function beginS3Upload(bucket: S3Bucket, able: S3Capabilities, key: string): Promise<S3Upload> {
  const nonce = randomBytes(8).toString('hex');
  const checksums = able.sha256 ? { ChecksumAlgorithm: 'SHA256' as const } : {};
  const more = { ...bucket.writtenWith, ...checksums, Metadata: { [SENT_BY]: nonce } };
  const created = await bucket.ask(key, (at) =>
    bucket.client.send(new CreateMultipartUploadCommand({ ...at, ...more })),
  );
  return new S3Upload(bucket, able, key, `${nonce}.${created.UploadId}`);
}

export class S3Upload implements Upload {
  readonly key: string;
  readonly id: string;
  /** The store's own. */
  readonly uploadId: string;
  readonly #bucket: S3Bucket;
  readonly #able: S3Capabilities;
  readonly #nonce: string;
  /** For stores that give no SHA-256 back. */
  readonly #sent = new Map<number, StoredPart>();

  constructor(bucket: S3Bucket, able: S3Capabilities, key: string, id: string) {
    this.key = key;
    this.id = id;
    this.#bucket = bucket;
    this.#able = able;
    const split = id.indexOf('.');
    this.#nonce = id.slice(0, split);
    this.uploadId = id.slice(split + 1);
  }

  async parts(): Promise<StoredPart[]> {
    const listed = await listParts(this.#bucket, this.key, this.uploadId);
    return listed.flatMap((part) => {
      if (part.sha256 !== undefined) return [{ ...part, sha256: part.sha256 }];
      const sent = this.#sent.get(part.number);
      return sent?.etag === part.etag ? [sent] : [];
    });
  }

  async putPart(
    number: number,
    body: Uint8Array,
    signal?: AbortSignal,
    sha256?: string,
  ): Promise<StoredPart> {
    const hash = await sha256Of(body);
    if (sha256 !== undefined && sha256 !== hash) {
      throw this.#bucket.failure('ObjectDamaged', `Part ${number} is not what it should be`, this.key);
    }
    const etag = await this.#send(number, body, hash, signal);
    const part = { number, bytes: body.byteLength, sha256: hash, etag };
    this.#sent.set(number, part);
    return part;
  }

  async complete(parts: readonly StoredPart[], options?: { ifAbsent?: boolean }): Promise<StoredObject> {
    if (parts.length === 0) {
      throw this.#bucket.failure('StoreRejected', 'An upload needs at least one part', this.key);
    }
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    try {
      if (options?.ifAbsent && !this.#able.conditionalWrites) await this.#refuseAnother();
      await this.#finish(parts, options?.ifAbsent === true && this.#able.conditionalWrites);
    } catch (error) {
      if (!isCode(error, 'ObjectExists', 'ObjectMissing') || !(await this.#stands(bytes))) throw error;
    }
    const head = await this.#head();
    if (head === undefined || head.ContentLength !== bytes) {
      const found = head === undefined ? 'nothing' : `${head.ContentLength} bytes`;
      throw this.#bucket.failure('ObjectDamaged', `The store stored ${found} of ${bytes} bytes`, this.key);
    }
    return storedObject(this.key, head);
  }

  async abort(): Promise<void> {
    const upload = { UploadId: this.uploadId };
    // A part that was under way may land after the first abort.
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      try {
        await this.#bucket.ask(this.key, (at) =>
          this.#bucket.client.send(new AbortMultipartUploadCommand({ ...at, ...upload })),
        );
        await listParts(this.#bucket, this.key, this.uploadId);
      } catch (error) {
        if (isCode(error, 'ObjectMissing')) return;
        throw error;
      }
    }
    throw this.#bucket.failure('StoreUnreachable', 'An aborted upload still has parts', this.key);
  }

  async #send(number: number, body: Uint8Array, hash: string, signal?: AbortSignal): Promise<string> {
    const { client } = this.#bucket;
    const check = this.#able.sha256 ? { ChecksumSHA256: hexToBase64(hash) } : { ContentMD5: md5Of(body) };
    const part = { UploadId: this.uploadId, PartNumber: number, Body: body, ...check };
    const answer = await this.#bucket.ask(
      this.key,
      (at) =>
        client.send(
          withPayloadHash(new UploadPartCommand({ ...at, ...part, ContentLength: body.byteLength }), hash),
          signal === undefined ? {} : { abortSignal: signal },
        ),
      { signal, explain: (failure) => this.#throwBetterReason(failure) },
    );
    return answer.ETag ?? '';
  }

  /** A store that refuses a large body closes the connection under it, and its reason is not heard: so ask. */
  async #throwBetterReason(failure: unknown): Promise<void> {
    if (!isCode(failure, 'StoreUnreachable')) return;
    try {
      await listParts(this.#bucket, this.key, this.uploadId);
    } catch (error) {
      const isReason = error instanceof FerryError && hasTrait(error.code, 'isCuredByKeys');
      if (isReason || isCode(error, 'ObjectMissing', 'StoreAccessDenied')) throw error;
    }
  }

  async #finish(parts: readonly StoredPart[], onlyIfAbsent: boolean): Promise<void> {
    const Parts = parts.map(({ number, etag, sha256 }) => ({
      PartNumber: number,
      ETag: etag,
      ...(this.#able.sha256 ? { ChecksumSHA256: hexToBase64(sha256) } : {}),
    }));
    const upload = { UploadId: this.uploadId, MultipartUpload: { Parts } };
    const condition = onlyIfAbsent ? { IfNoneMatch: '*' } : {};
    await this.#bucket.ask(this.key, (at) =>
      this.#bucket.client.send(new CompleteMultipartUploadCommand({ ...at, ...upload, ...condition })),
    );
  }

  async #refuseAnother(): Promise<void> {
    if ((await this.#head()) !== undefined) {
      throw this.#bucket.failure('ObjectExists', 'Another object has this key', this.key);
    }
  }

  /** Whether the object under the key is the one that this upload made. */
  async #stands(bytes: number): Promise<boolean> {
    const head = await this.#head();
    return head?.Metadata?.[SENT_BY] === this.#nonce && head.ContentLength === bytes;
  }

  async #head(): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#bucket.ask(this.key, (at) => this.#bucket.client.send(new HeadObjectCommand(at)));
    } catch (error) {
      if (isCode(error, 'ObjectMissing')) return undefined;
      throw error;
    }
  }
}

type ListedPart = Omit<StoredPart, 'sha256'> & { sha256: string | undefined };

/** In the order of the store. Throws ObjectMissing when the upload is gone. */
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

interface Hashed {
  middlewareStack: {
    add(
      middleware: (next: (args: never) => Promise<never>) => (args: never) => Promise<never>,
      options: { step: 'build'; name: string },
    ): void;
  };
}

/**
 * The signature of a request covers the SHA-256 of its body. We have it already: without this the SDK would hash each
 * part a second time, on the main thread. And so even a store that knows no checksums refuses a damaged part.
 */
function withPayloadHash<C extends object>(command: C, sha256: string): C {
  (command as unknown as Hashed).middlewareStack.add(
    (next) => (args) => {
      const { request } = args as { request: { headers: Record<string, string> } };
      request.headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'knownPayloadHash' },
  );
  return command;
}
