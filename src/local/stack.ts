// The stack on one machine: a Temporal server with its UI, two Qdrants, an S3 gateway, and the workers. What was
// started is recorded by pid and start time, and only that is ever ended.

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findBinaries, type BinaryName, type OnProgress } from './binaries.js';
import { withLock } from './lock.js';
import type { LocalProcess } from './local-process.js';
import { endProcess, isAlive } from './process-identity.js';
import { describeStack, writeStackConfig, type StackDescription } from './stack-record.js';
import { stackPieces, stackWorker, type MemberOptions, type StackPieces } from './stack-members.js';
import {
  arePortsFree,
  livingProcesses,
  newRecord,
  readRecord,
  recordPath,
  writeRecord,
  type MemberName,
  type PieceName,
  type StackRecord,
} from './stack-record.js';
import type { WorkerRole } from './worker-process.js';

export interface StackOptions {
  stateDir: string;
  workers: boolean;
  /** The pieces to start; all of them when absent. Each of the others can still be started by its handle. */
  only?: PieceName[];
  /** The stack ends with this process, however that ends; otherwise it lives on. */
  attached?: boolean;
  /** For the workers. */
  workerEnv?: Record<string, string>;
  onProgress?: OnProgress;
}

export interface RunningStack {
  /** As of now: a worker that was started again has a new pid. */
  describe(): StackDescription;
  pieces: StackPieces;
  workers: Record<WorkerRole, LocalProcess>;
  stop(): Promise<void>;
}

export interface StackStatus {
  description: StackDescription;
  members: { name: MemberName; pid: number; running: boolean }[];
}

const BINARY_OF: Record<PieceName, BinaryName> = {
  temporal: 'temporal',
  source: 'qdrant-1.16.3',
  target: 'qdrant-1.17.0',
  s3: 'versitygw',
};
const ROLES: WorkerRole[] = ['control', 'data'];

/** Starts what does not run yet and keeps what does; folders and, where free, addresses stay those of the last time. */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const stateDir = resolve(options.stateDir);
  const onProgress = options.onProgress ?? (() => undefined);
  return withStackLock(stateDir, onProgress, async () => {
    await findBinaries(
      (options.only ?? PIECES).map((name) => BINARY_OF[name]),
      onProgress,
    );
    const record = await openRecord(stateDir);
    const members = memberOptions(stateDir, record, onProgress);
    const running = await assemble(members, options);
    try {
      await startMembers(running, members, options);
    } catch (error) {
      await running.stop();
      throw error;
    }
    if (options.attached !== true) release(running, members);
    return running;
  });
}

export async function stopStack(stateDir: string, options: { wipe?: boolean } = {}): Promise<MemberName[]> {
  const folder = resolve(stateDir);
  return withStackLock(
    folder,
    () => undefined,
    async () => {
      const record = readRecord(folder);
      const ended = record === undefined ? [] : await endRecorded(folder, record);
      if (options.wipe === true) await wipe(folder);
      return ended;
    },
  );
}

/** Undefined when no stack was started, or it was taken down. */
export async function stackStatus(stateDir: string): Promise<StackStatus | undefined> {
  const folder = resolve(stateDir);
  const record = readRecord(folder);
  if (record === undefined) return undefined;
  const members = await Promise.all(
    Object.entries(record.processes).map(async ([name, identity]) => {
      return { name: name as MemberName, pid: identity.pid, running: await isAlive(identity) };
    }),
  );
  if (!members.some((member) => member.running)) return undefined;
  const processes = await livingProcesses(record);
  return { description: describeStack(folder, { ...record, processes }), members };
}

/** Starts a worker of a running stack again, for example one that was killed. */
export async function startStackWorker(stateDir: string, role: WorkerRole): Promise<number> {
  const folder = resolve(stateDir);
  return withStackLock(
    folder,
    () => undefined,
    async () => {
      const record = await openRecord(folder);
      const worker = stackWorker(
        role,
        memberOptions(folder, record, () => undefined),
      );
      await worker.start();
      worker.release();
      writeRecord(folder, { ...record, released: true });
      return worker.pid;
    },
  );
}

const PIECES = Object.keys(BINARY_OF) as PieceName[];

function withStackLock<T>(stateDir: string, onProgress: OnProgress, work: () => Promise<T>): Promise<T> {
  const waiting = () => onProgress('waiting for another ferry that starts or stops this stack');
  return withLock(join(stateDir, 'stack.lock'), waiting, work);
}

function memberOptions(stateDir: string, record: StackRecord, onProgress: OnProgress): MemberOptions {
  return {
    stateDir,
    record,
    onProgress,
    onStart: (name, identity) => {
      record.processes[name] = identity;
      writeRecord(stateDir, record);
    },
  };
}

/** The record of the last time with what still lives of it, or a new one. */
async function openRecord(stateDir: string): Promise<StackRecord> {
  const last = readRecord(stateDir);
  if (last === undefined) return newRecord();
  let processes = await livingProcesses(last);
  if (!last.released) {
    await endRecorded(stateDir, last);
    processes = {};
  }
  const isFresh = Object.keys(processes).length === 0;
  if (!isFresh || (await arePortsFree(last.ports))) return { ...last, processes, released: !isFresh };
  return { ...(await newRecord()), secretAccessKey: last.secretAccessKey };
}

async function assemble(members: MemberOptions, options: StackOptions): Promise<RunningStack> {
  const { stateDir, record } = members;
  const pieces = await stackPieces(members);
  const workers = {
    control: stackWorker('control', members, options.workerEnv),
    data: stackWorker('data', members, options.workerEnv),
  };
  return {
    pieces,
    workers,
    describe: () => describeStack(stateDir, record),
    stop: async () => void (await endRecorded(stateDir, record)),
  };
}

async function startMembers(
  running: RunningStack,
  members: MemberOptions,
  options: StackOptions,
): Promise<void> {
  const wanted = options.only ?? PIECES;
  members.onProgress(`starting ${wanted.join(', ')}`);
  await settleAll(wanted.map((name) => running.pieces[name].start()));
  writeStackConfig(running.describe());
  if (!options.workers) return;
  members.onProgress('starting the workers');
  await settleAll(ROLES.map((role) => running.workers[role].start()));
}

/** Waits for all of them before it throws the first failure. */
async function settleAll(started: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(started)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function release(running: RunningStack, members: MemberOptions): void {
  const all: LocalProcess[] = [...Object.values(running.pieces), ...Object.values(running.workers)];
  for (const member of all) member.release();
  members.record.released = true;
  writeRecord(members.stateDir, members.record);
}

/** Workers first: they would only complain about servers that vanish. */
async function endRecorded(stateDir: string, record: StackRecord): Promise<MemberName[]> {
  const ended: MemberName[] = [];
  for (const group of [ROLES, PIECES] as MemberName[][]) {
    await Promise.all(
      group.map(async (name) => {
        const identity = record.processes[name];
        if (identity !== undefined && (await endProcess(identity, 35_000))) ended.push(name);
        delete record.processes[name];
      }),
    );
  }
  writeRecord(stateDir, record);
  return ended;
}

/** What a stack keeps, and nothing else that may be in the folder. */
async function wipe(stateDir: string): Promise<void> {
  for (const name of ['temporal', 'source', 'target', 's3', 'logs', 'ferry.yaml']) {
    await rm(join(stateDir, name), { recursive: true, force: true });
  }
  await rm(recordPath(stateDir), { force: true });
}
