// A real S3 gateway on this machine: versitygw over a plain folder, with versioning.

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findBinary, type OnProgress } from './binaries.js';
import { acceptsConnections, freePorts } from './free-ports.js';
import { localProcess, withAddresses, type LocalProcess, type ProcessSpec } from './local-process.js';
import type { ProcessIdentity } from './process-identity.js';

export interface S3GatewayOptions {
  /** Holds the objects; start again with the same one to find them. */
  folder: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Where the gateway keeps accounts besides this first one, which may do everything. */
  accountsFolder?: string;
  log?: string;
  port?: number;
  onProgress?: OnProgress;
  onStart?: (identity: ProcessIdentity) => void;
}

export interface S3Gateway extends LocalProcess {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export async function startS3Gateway(options: S3GatewayOptions): Promise<S3Gateway> {
  const gateway = await s3Gateway(options);
  await gateway.start();
  return gateway;
}

/** Not started yet, or already running as `alreadyRunning`. */
export async function s3Gateway(
  options: S3GatewayOptions,
  alreadyRunning?: ProcessIdentity,
): Promise<S3Gateway> {
  const [freePort] = await freePorts(1);
  const port = options.port ?? freePort ?? 0;
  const { bucket, accessKeyId, secretAccessKey } = options;
  // The gateway refuses relative paths.
  const folder = resolve(options.folder);
  for (const room of ['meta', 'versions', join('objects', bucket)]) {
    await mkdir(join(folder, room), { recursive: true });
  }
  const spec: ProcessSpec = {
    name: 'versitygw',
    command: () => findBinary('versitygw', options.onProgress),
    args: [...listening(port), ...accounts(options.accountsFolder), ...posix(folder)],
    env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    logFile: options.log ?? join(folder, 'versitygw.log'),
    isReady: () => acceptsConnections(port),
    ...(options.onStart === undefined ? {} : { onStart: options.onStart }),
  };
  const addresses = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    bucket,
    accessKeyId,
    secretAccessKey,
  };
  return withAddresses(localProcess(spec, alreadyRunning), addresses);
}

function listening(port: number): string[] {
  return ['--port', `127.0.0.1:${port}`, '--region', 'us-east-1', '--quiet'];
}

function accounts(folder: string | undefined): string[] {
  return folder === undefined ? [] : ['--iam-dir', resolve(folder)];
}

/** Each folder of `objects` is a bucket. */
function posix(folder: string): string[] {
  const [meta, versions, objects] = ['meta', 'versions', 'objects'].map((room) => join(folder, room));
  return ['posix', '--sidecar', `${meta}`, '--versioning-dir', `${versions}`, `${objects}`];
}
