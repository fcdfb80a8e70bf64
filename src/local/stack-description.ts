// What a stack is for those who use it: its addresses, its ferry.yaml, its workers.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { StackRecord } from './stack-record.js';
import type { WorkerRole } from './worker-process.js';

export const BUCKET = 'ferry';
export const ACCESS_KEY_ID = 'ferry-local';
export const REGION = 'us-east-1';

/** The answer of `ferry stack up --json`. The address of a piece that was left out leads nowhere. */
export interface StackDescription {
  temporal: { address: string; ui: string };
  qdrant: { source: QdrantAddresses; target: QdrantAddresses };
  s3: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string; bucket: string };
  /** Path of the ferry.yaml. */
  config: string;
  workers: { role: WorkerRole; pid: number }[];
}
export interface QdrantAddresses {
  url: string;
  grpcUrl: string;
}

export function describeStack(stateDir: string, record: StackRecord): StackDescription {
  const { ports, processes } = record;
  const roles = ['control', 'data'] as const;
  return {
    temporal: { address: `127.0.0.1:${ports.temporal}`, ui: local(ports.ui) },
    qdrant: {
      source: { url: local(ports.sourceHttp), grpcUrl: local(ports.sourceGrpc) },
      target: { url: local(ports.targetHttp), grpcUrl: local(ports.targetGrpc) },
    },
    s3: {
      endpoint: local(ports.s3),
      region: REGION,
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: record.secretAccessKey,
      bucket: BUCKET,
    },
    config: join(stateDir, 'ferry.yaml'),
    workers: roles.flatMap((role) => {
      const pid = processes[role]?.pid;
      return pid === undefined ? [] : [{ role, pid }];
    }),
  };
}

/** Only its owner may read it: it holds a key. */
export function writeStackConfig(description: StackDescription): void {
  const { temporal, qdrant, s3, config } = description;
  const { bucket, ...access } = s3;
  const document = {
    temporal,
    clusters: { source: qdrant.source, target: qdrant.target },
    stores: { local: { url: `s3://${bucket}`, ...access } },
    defaults: { store: 'local' },
  };
  const head =
    '# Written by `ferry stack up` for the stack on this machine, and overwritten by the next one.\n';
  writeFileSync(config, head + stringify(document), { mode: 0o600 });
  chmodSync(config, 0o600);
}

function local(port: number): string {
  return `http://127.0.0.1:${port}`;
}
