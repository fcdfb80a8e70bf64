// One bucket with a prefix, and the client that reaches it. Promises that every error is a FerryError with bucket and
// key, that the provider's needs (checksums, address style, regions) are set in one place, and that a request is sent
// again (retry.ts) while it may succeed, also with other credentials where those that were used are refused.

import {
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type PutObjectCommandInput,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { StoreConnection } from '../model/ferry-config.js';
import { FerryError, hasTrait } from '../model/errors.js';
import { credentialsOf, type S3Credentials } from './s3-credentials.js';
import { retried } from './retry.js';
import { isCode, isMute, nameInS3, s3Failure } from './s3-failures.js';

export interface S3Place {
  Bucket: string;
  Key: string;
}

interface AskOptions {
  signal?: AbortSignal | undefined;
  beforeRequest?: (() => void) | undefined;
  expected?: FerryError['code'];
  explain?: (failure: unknown) => Promise<void>;
}

export type WrittenWith = Pick<
  PutObjectCommandInput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'StorageClass'
>;

/** What a provider can do, known by its profile or found out by a probe. */
export interface S3Capabilities {
  /** If-None-Match on a write. */
  conditionalWrites: boolean;
  /** Checked on arrival, and kept for each part of an upload. */
  sha256: boolean;
  deletes: boolean;
}

/** So long an absent object is believed without asking whether its bucket is there. */
const HEARD_MS = 60_000;

export class S3Bucket {
  readonly client: S3Client;
  readonly credentials: S3Credentials;
  readonly name: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
  /** Goes with everything that is written. */
  readonly writtenWith: WrittenWith;
  /** When the bucket last answered these credentials with more than a status. */
  #heard = { generation: -1, at: 0 };

  constructor(store: StoreConnection) {
    const { name, prefix } = addressOf(store.url);
    this.name = name;
    this.prefix = prefix;
    this.writtenWith = writtenWith(store);
    // Which Node this program runs on is its own matter (`engines`); the SDK would say it on the stderr of every command.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    this.credentials = credentialsOf(store);
    this.client = new S3Client({ ...clientSettings(store), credentials: this.credentials.provide });
  }

  /**
   * Every request goes through here: `call` gets the place, errors get their code. `explain` is asked before a failure is
   * final: it throws a better reason, or finds other credentials.
   */
  async ask<T>(key: string, call: (at: S3Place) => Promise<T>, options: AskOptions = {}): Promise<T> {
    let used = this.credentials.generation;
    const request = async () => {
      used = this.credentials.generation;
      try {
        return await call({ Bucket: this.name, Key: this.prefix + key });
      } catch (error) {
        throw await this.#explained(s3Failure(error, { bucket: this.name, key: this.prefix + key }));
      }
    };
    const cure = async (failure: unknown) => {
      await options.explain?.(failure);
      if (isCode(failure, 'StoreKeysExpired', 'StoreKeysUnknown', 'StoreKeysMissing')) {
        return this.credentials.renewed(used);
      }
      return this.credentials.generation !== used;
    };
    const { signal, beforeRequest, expected } = options;
    return retried(request, { signal, beforeRequest, expected, cure });
  }

  async put(
    key: string,
    body: Uint8Array,
    more: Partial<PutObjectCommandInput>,
    options?: AskOptions,
  ): Promise<void> {
    const input = { ...this.writtenWith, Body: body, ContentLength: body.byteLength, ...more };
    await this.ask(key, (at) => this.client.send(new PutObjectCommand({ ...at, ...input })), options);
  }

  /** An answer to HEAD has no body, and so no reason, not even for a 404: another request may hear one. */
  async #explained(failure: FerryError): Promise<FerryError> {
    const { generation } = this.credentials;
    const isAbsent = failure.code === 'ObjectMissing';
    if (isAbsent && this.#heard.generation === generation && Date.now() - this.#heard.at < HEARD_MS)
      return failure;
    const isDoubtful = isAbsent || isCode(failure, 'StoreAccessDenied', 'StoreRejected');
    if (!isDoubtful || !(failure.cause instanceof Error) || !isMute(failure.cause)) return failure;
    try {
      await this.client.send(
        new ListObjectsV2Command({ Bucket: this.name, Prefix: this.prefix, MaxKeys: 1 }),
      );
      this.#heard = { generation, at: Date.now() };
      return failure;
    } catch (error) {
      const heard = s3Failure(error, { bucket: this.name, key: String(failure.context['key']) });
      return hasTrait(heard.code, 'isCuredByKeys') || nameInS3(heard) === 'NoSuchBucket' ? heard : failure;
    }
  }

  /** An error of ours about an object here. */
  failure(code: FerryError['code'], happened: string, key: string, retryable?: boolean): FerryError {
    const context = { bucket: this.name, key: this.prefix + key };
    return new FerryError(code, happened, retryable === undefined ? { context } : { context, retryable });
  }
}

function addressOf(url: string): { name: string; prefix: string } {
  const { hostname, pathname } = new URL(url);
  const path = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '');
  return { name: hostname, prefix: path === '' ? '' : `${path}/` };
}

function clientSettings(store: StoreConnection): S3ClientConfig {
  const endpoint = store.endpoint ?? (store.profile === 'gcs' ? 'https://storage.googleapis.com' : undefined);
  const region =
    store.region ?? (endpoint === undefined ? undefined : store.profile === 'r2' ? 'auto' : 'us-east-1');
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    // OSS refuses path style; a gateway on a plain host name or address can have no bucket in front of it.
    forcePathStyle: store.pathStyle ?? (endpoint !== undefined && store.profile !== 'oss'),
    followRegionRedirects: endpoint === undefined,
    // We send SHA-256 ourselves. OSS and older gateways refuse the CRC trailers that the SDK would add.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // The SDK would open a new connection for each part to ask first, and begin it slowly.
    expectContinueHeader: false,
    // Retries are ours: see retry.ts.
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 10_000,
      socketTimeout: 60_000,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    }),
  };
}

function writtenWith({ sse, storageClass }: StoreConnection): WrittenWith {
  const encrypted: WrittenWith =
    sse === undefined
      ? {}
      : sse === 'AES256'
        ? { ServerSideEncryption: 'AES256' }
        : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: sse.kms };
  const kept = storageClass as WrittenWith['StorageClass'];
  return kept === undefined ? encrypted : { ...encrypted, StorageClass: kept };
}
