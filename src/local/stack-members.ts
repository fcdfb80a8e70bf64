// The members of a stack as processes that can be started, killed and started again, by the addresses and the living
// processes that its record holds.

import { join } from 'node:path';
import type { OnProgress } from './binaries.js';
import type { LocalProcess } from './local-process.js';
import type { ProcessIdentity } from './process-identity.js';
import { qdrantServer, type QdrantServer } from './qdrant-server.js';
import { s3Gateway, type S3Gateway } from './s3-gateway.js';
import { ACCESS_KEY_ID, BUCKET, describeStack } from './stack-record.js';
import type { MemberName, StackRecord } from './stack-record.js';
import { temporalServer, type TemporalServer } from './temporal-server.js';
import { workerProcess, type WorkerRole } from './worker-process.js';

export interface StackPieces {
  temporal: TemporalServer;
  source: QdrantServer;
  target: QdrantServer;
  s3: S3Gateway;
}

export interface MemberOptions {
  stateDir: string;
  record: StackRecord;
  onStart: (name: MemberName, identity: ProcessIdentity) => void;
  onProgress: OnProgress;
}

export async function stackPieces(options: MemberOptions): Promise<StackPieces> {
  const { stateDir, record, onProgress } = options;
  const { ports, processes } = record;
  const shared = (name: MemberName) => ({
    log: join(stateDir, 'logs', `${name}.log`),
    onProgress,
    onStart: (identity: ProcessIdentity) => options.onStart(name, identity),
  });
  const qdrant = (name: 'source' | 'target', version: '1.16.3' | '1.17.0') => {
    const addresses = { httpPort: ports[`${name}Http`], grpcPort: ports[`${name}Grpc`] };
    const place = { version, storageDir: join(stateDir, name) };
    return qdrantServer({ ...place, ...addresses, ...shared(name) }, processes[name]);
  };
  const database = { dbFile: join(stateDir, 'temporal/temporal.db'), port: ports.temporal, uiPort: ports.ui };
  const bucket = { bucket: BUCKET, accessKeyId: ACCESS_KEY_ID, secretAccessKey: record.secretAccessKey };
  const objects = { folder: join(stateDir, 's3'), port: ports.s3, ...bucket };
  return {
    temporal: await temporalServer({ ...database, ...shared('temporal') }, processes.temporal),
    source: await qdrant('source', '1.16.3'),
    target: await qdrant('target', '1.17.0'),
    s3: await s3Gateway({ ...objects, ...shared('s3') }, processes.s3),
  };
}

export function stackWorker(
  role: WorkerRole,
  options: MemberOptions,
  extraEnv: Record<string, string> = {},
): LocalProcess {
  const { stateDir, record } = options;
  const { config } = describeStack(stateDir, record);
  const onStart = (identity: ProcessIdentity) => options.onStart(role, identity);
  return workerProcess(
    { role, config, folder: join(stateDir, 'logs'), extraEnv, onStart },
    record.processes[role],
  );
}
