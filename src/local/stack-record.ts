// What is known of a stack between two commands: addresses to keep, and processes by pid and start time. Written as
// soon as a process exists, so that nothing we started is ever forgotten.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePorts, isFree } from './free-ports.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';
import { readRecordFile, writeRecordFile } from './record-file.js';

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
