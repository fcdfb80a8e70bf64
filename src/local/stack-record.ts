// What is known of a stack between two commands: addresses to keep, and processes by pid and start time. Written as
// soon as a process exists, so that nothing we started is ever forgotten. Also what is shown to its users: addresses,
// its ferry.yaml, its workers.

import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePorts, isFree } from './free-ports.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';
import { readRecordFile, writeRecordFile } from './record-file.js';
import type { WorkerRole } from './worker-process.js';

export type PieceName = 'temporal' | 'source' | 'target' | 's3';
export type MemberName = PieceName | 'control' | 'data';

export interface StackRecord {
  format: 1;
  /** False while its starter is at work: what it started dies with it. */
  released: boolean;
  ports: Ports;
  secretAccessKey: string;
  processes: Partial<Record<MemberName, ProcessIdentity>>;
}

export type Ports = Record<
  'temporal' | 'ui' | 'sourceHttp' | 'sourceGrpc' | 'targetHttp' | 'targetGrpc' | 's3',
  number
>;

export function recordPath(stateDir: string): string {
  return join(stateDir, 'stack.json');
}

/** Undefined when there is none, or one that this program cannot read. */
export function readRecord(stateDir: string): StackRecord | undefined {
  return readRecordFile(recordPath(stateDir));
}

export function writeRecord(stateDir: string, record: StackRecord): void {
  writeRecordFile(recordPath(stateDir), record);
}

export async function newRecord(): Promise<StackRecord> {
  const [temporal, ui, sourceHttp, sourceGrpc, targetHttp, targetGrpc, s3] = (await freePorts(7)) as Seven;
  return {
    format: 1,
    released: false,
    ports: { temporal, ui, sourceHttp, sourceGrpc, targetHttp, targetGrpc, s3 },
    secretAccessKey: randomBytes(20).toString('hex'),
    processes: {},
  };
}
type Seven = [number, number, number, number, number, number, number];

export async function arePortsFree(ports: Ports): Promise<boolean> {
  const free = await Promise.all(Object.values(ports).map(isFree));
  return free.every(Boolean);
}

/** Only those that live and are the ones we started. */
export async function livingProcesses(record: StackRecord): Promise<StackRecord['processes']> {
  const entries = Object.entries(record.processes) as [MemberName, ProcessIdentity][];
  const alive = await Promise.all(entries.map(([, identity]) => isAlive(identity)));
  return Object.fromEntries(entries.filter((_, at) => alive[at]));
}

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
