// A real Qdrant on this machine, for development, the demo and the tests.

import { mkdir } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join, resolve } from 'node:path';
import { findBinary, type OnProgress } from './binaries.js';
import { freePorts } from './free-ports.js';
import { localProcess, withAddresses, type LocalProcess, type ProcessSpec } from './local-process.js';
import type { ProcessIdentity } from './process-identity.js';

export type QdrantVersion = '1.16.3' | '1.17.0';

export interface QdrantOptions {
  version: QdrantVersion;
  /** Holds storage and snapshots; start again with the same one to find the same collections. */
  storageDir: string;
  /** Settings in Qdrant's own words: QDRANT__SERVICE__API_KEY, QDRANT__SERVICE__ENABLE_TLS, … */
  extraEnv?: Record<string, string>;
  /** "--uri", "http://127.0.0.1:…" for clusters. */
  extraArgs?: string[];
  /** Of the log file; inside the folder when absent. */
  log?: string;
  httpPort?: number;
  grpcPort?: number;
  onProgress?: OnProgress;
  onStart?: (identity: ProcessIdentity) => void;
}

export interface QdrantServer extends LocalProcess {
  readonly url: string;
  readonly grpcUrl: string;
  readonly version: QdrantVersion;
}

export async function startQdrant(options: QdrantOptions): Promise<QdrantServer> {
  const server = await qdrantServer(options);
  await server.start();
  return server;
}

/** Not started yet, or already running as `alreadyRunning`. */
export async function qdrantServer(
  options: QdrantOptions,
  alreadyRunning?: ProcessIdentity,
): Promise<QdrantServer> {
  const [freeHttp, freeGrpc] = await freePorts(2);
  const ports = { http: options.httpPort ?? freeHttp, grpc: options.grpcPort ?? freeGrpc };
  const scheme = options.extraEnv?.['QDRANT__SERVICE__ENABLE_TLS'] === 'true' ? 'https' : 'http';
  const folder = resolve(options.storageDir);
  await mkdir(folder, { recursive: true });
  const url = `${scheme}://127.0.0.1:${ports.http}`;
  const spec: ProcessSpec = {
    name: `qdrant ${options.version}`,
    command: await findBinary(`qdrant-${options.version}`, options.onProgress),
    args: options.extraArgs ?? [],
    // Qdrant reads ./config and leaves files where it is started.
    cwd: folder,
    env: { ...settings(folder, ports), ...options.extraEnv },
    logFile: options.log ?? join(folder, 'qdrant.log'),
    isReady: () => answersReady(`${url}/readyz`),
    ...(options.onStart === undefined ? {} : { onStart: options.onStart }),
  };
  const addresses = { url, grpcUrl: `${scheme}://127.0.0.1:${ports.grpc}`, version: options.version };
  return withAddresses(localProcess(spec, alreadyRunning), addresses);
}

function settings(folder: string, ports: { http: number | undefined; grpc: number | undefined }) {
  return {
    QDRANT__SERVICE__HOST: '127.0.0.1',
    QDRANT__SERVICE__HTTP_PORT: String(ports.http),
    QDRANT__SERVICE__GRPC_PORT: String(ports.grpc),
    QDRANT__STORAGE__STORAGE_PATH: join(folder, 'storage'),
    QDRANT__STORAGE__SNAPSHOTS_PATH: join(folder, 'snapshots'),
    QDRANT__STORAGE__TEMP_PATH: join(folder, 'temp'),
    QDRANT__TELEMETRY_DISABLED: 'true',
    QDRANT__LOG_LEVEL: 'WARN',
  };
}

async function answersReady(url: string): Promise<boolean> {
  if (url.startsWith('http:')) return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  // Only whether our own process answers; nothing is sent, so its certificate need not be known here.
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { rejectUnauthorized: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    // A server that asks for a certificate is there.
    request.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' ? resolve(true) : reject(error),
    );
    request.end();
  });
}
