// Real stores for tests: a folder, and versitygw with versions. Each test run has its own.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startS3Gateway, type S3Gateway } from '../../src/local/s3-gateway.js';
import type { StoreConnection } from '../../src/model/ferry-config.js';

export interface StorePlace {
  /** Opened anew for each instance that a test wants. */
  connection: StoreConnection;
  folder: string;
  gateway?: S3Gateway;
  end(): Promise<void>;
}

export async function filePlaceForTests(): Promise<StorePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-disk-'));
  const connection = { alias: 'disk', url: pathToFileURL(join(folder, 'store')).href };
  return { connection, folder, end: () => rm(folder, { recursive: true, force: true }) };
}

export async function s3PlaceForTests(): Promise<StorePlace & { gateway: S3Gateway }> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-s3-'));
  const secretAccessKey = randomBytes(16).toString('hex');
  const keys = { accessKeyId: 'ferry', secretAccessKey };
  const gateway = await startS3Gateway({ folder, bucket: 'backups', ...keys });
  const connection: StoreConnection = {
    alias: 's3',
    url: 's3://backups/some/prefix',
    endpoint: gateway.endpoint,
    region: gateway.region,
    ...keys,
  };
  const end = () => gateway.stop().finally(() => rm(folder, { recursive: true, force: true }));
  return { connection, folder, gateway, end };
}

export async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return (await bytesOf(stream)).toString();
}

export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function hashOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

export async function allOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of stream) all.push(one);
  return all;
}

/** The same every time: megabytes that no two parts have alike. */
export function madeBytes(bytes: number, seed: number): Buffer {
  const block = createHash('sha512').update(`${seed}`).digest();
  const made = Buffer.alloc(bytes, block);
  if (bytes >= 8) made.writeBigUInt64LE(BigInt(seed));
  return made;
}

export function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
