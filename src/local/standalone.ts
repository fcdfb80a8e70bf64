// A Temporal server and workers for one command: started with it, restarted when they die, stopped when it ends for any
// reason. The database outlives them, so that the same command later resumes its job.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onlyTemporalAt } from '../config.js';
import { FerryError } from '../model/errors.js';
import { freePortsForTemporal } from './free-ports.js';
import type { LocalProcess } from './local-process.js';
import { tryLock } from './lock.js';
import { endProcess, type ProcessIdentity } from './process-identity.js';
import { readRecordFile, writeRecordFile } from './record-file.js';
import {
  clearJobFolder,
  openJobFolder,
  removeNote,
  unfinishedJobs,
  type JobFolder,
  type JobNote,
} from './standalone-folder.js';
import { temporalServer, type TemporalServer } from './temporal-server.js';
import { workerProcess, type WorkerRole } from './worker-process.js';

/** For processes that a killed command left: nobody waits for their work. */
const ORPHAN_GRACE_MS = 3_000;

export interface StandaloneOptions {
  stateDir: string;
  /** Of the job: one folder each. */
  key: string;
  /** As the user wrote it. */
  command: string;
  /** Path of the ferry.yaml. */
  config: string;
  say: (line: string) => void;
}

export interface Standalone {
  readonly address: string;
  readonly ui: string;
  readonly folder: JobFolder;
  /** Interrupted jobs of other commands, which wait to be resumed. */
  readonly others: (JobNote & { path: string })[];
  /** The job has ended and its result was reported: nothing of it will be resumed. */
  forget(): void;
  /** Ends all processes; a forgotten job's folder goes too, but for its logs where they are wanted. */
  end(keepLogs: boolean): Promise<void>;
}

export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const root = standaloneRoot(options.stateDir);
  const release = await takeRoot(root);
  try {
    const left = readStandaloneRecord(root);
    if (left) await endRecorded(left, ORPHAN_GRACE_MS);
    removeStandaloneRecord(root);
    const folder = openJobFolder(root, options.key, options.command);
    return await startIn(root, folder, options, release);
  } catch (error) {
    await release();
    throw error;
  }
}

export const standaloneRoot = (stateDir: string): string => join(stateDir, 'standalone');

async function takeRoot(root: string): Promise<() => Promise<void>> {
  const attempt = await tryLock(join(root, 'lock'));
  if ('release' in attempt) return attempt.release;
  const command = readStandaloneRecord(root)?.command ?? 'ferry … --standalone';
  const { pid } = attempt.holder;
  const happened = `Another standalone command runs on this machine: ${command}, process ${pid}`;
  throw new FerryError('StandaloneBusy', happened, { context: { pid, folder: root } });
}

async function startIn(
  root: string,
  folder: JobFolder,
  options: StandaloneOptions,
  release: () => Promise<void>,
): Promise<Standalone> {
  const members = await describeMembers(root, folder.path, options);
  const { temporal, record } = members;
  let forgotten = false;
  const forget = () => {
    removeNote(folder.path);
    forgotten = true;
  };
  const endAll = await startMembers(members, options.say).catch(async (error: unknown) => {
    await endRecorded(record);
    removeStandaloneRecord(root);
    if (!folder.interrupted) clearJobFolder(folder.path, true);
    throw error;
  });
  const end = async (keepLogs: boolean) => {
    await endAll();
    removeStandaloneRecord(root);
    if (forgotten) clearJobFolder(folder.path, keepLogs);
    await release();
  };
  const { address, ui } = temporal;
  return { address, ui, folder, others: unfinishedJobs(root, options.key), forget, end };
}

interface Members {
  temporal: TemporalServer;
  workers: LocalProcess[];
  record: StandaloneRecord;
}

async function describeMembers(root: string, folder: string, options: StandaloneOptions): Promise<Members> {
  const { command, config, say } = options;
  const record: StandaloneRecord = { format: 1, command, address: '', ui: '', processes: {} };
  const noted = (name: keyof StandaloneRecord['processes']) => ({
    onStart: (identity: LocalProcess['identity']) => {
      record.processes[name] = identity;
      writeStandaloneRecord(root, record);
    },
  });
  const logs = join(folder, 'logs');
  const temporal = await temporalServer({
    dbFile: join(folder, 'temporal/temporal.db'),
    log: join(logs, 'temporal.log'),
    // So that the links of commands that are sent to its address by hand lead somewhere.
    ...(await freePortsForTemporal()),
    onProgress: say,
    ...noted('temporal'),
  });
  Object.assign(record, { address: temporal.address, ui: temporal.ui });
  const extraEnv = onlyTemporalAt(temporal.address, folder);
  const roles = ['control', 'data'] as const;
  const workers = roles.map((role) =>
    workerProcess({ role, config, folder: logs, extraEnv, ...noted(role) }),
  );
  return { temporal, workers, record };
}

/** Returns what ends them. */
async function startMembers(
  { temporal, workers, record }: Members,
  say: (line: string) => void,
): Promise<() => Promise<void>> {
  await temporal.start();
  const started = await Promise.allSettled(workers.map((worker) => worker.start()));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  const ending = new AbortController();
  const kept = [temporal, ...workers].map((one) => keepAlive(one, ending.signal, say));
  return async () => {
    ending.abort();
    await endRecorded(record);
    // One that was being started again meanwhile.
    await Promise.all(kept);
    await endRecorded(record);
  };
}

/**
 * The processes of a `--standalone` command that runs now, by pid and start time, written as soon as each exists. The next
 * command ends what a killed one left: two servers on one database would destroy it.
 */
export interface StandaloneRecord {
  format: 1;
  /** As it was written. */
  command: string;
  /** Of its Temporal server and of that one's UI. */
  address: string;
  ui: string;
  processes: Partial<Record<'temporal' | WorkerRole, ProcessIdentity>>;
}

/** Longer than a worker gives to what it runs. */
const GRACE_MS = 35_000;

function writeStandaloneRecord(root: string, record: StandaloneRecord): void {
  writeRecordFile(recordFile(root), record);
}

/** Undefined when no command runs, or none was killed. */
export function readStandaloneRecord(root: string): StandaloneRecord | undefined {
  return readRecordFile(recordFile(root));
}

function removeStandaloneRecord(root: string): void {
  rmSync(recordFile(root), { force: true });
}

/** Workers first: they would only complain about a server that vanishes. */
async function endRecorded({ processes }: StandaloneRecord, graceMs = GRACE_MS): Promise<void> {
  for (const group of [['control', 'data'], ['temporal']] as const) {
    const identities = group.flatMap((name) => processes[name] ?? []);
    await Promise.all(identities.map((identity) => endProcess(identity, graceMs)));
  }
}

const recordFile = (root: string): string => join(root, 'running.json');

const LOOK_EVERY_MS = 500;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** A process that lived this long was healthy: the next pause is short again. */
const HEALTHY_AFTER_MS = 60_000;

/** Starts a process again whenever it has died. Resolves after `ending`, when no start is under way any more. */
async function keepAlive(one: LocalProcess, ending: AbortSignal, say: (line: string) => void): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let startedAt = performance.now(); await diedBefore(ending, one); startedAt = performance.now()) {
    if (performance.now() - startedAt > HEALTHY_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
    say(`The ${one.name} ended; starting it again.`);
    await pause(pauseMs, ending);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    if (!ending.aborted) await one.start().catch((error: Error) => ending.aborted || say(error.message));
  }
}

/** False when the end came first. */
async function diedBefore(ending: AbortSignal, one: LocalProcess): Promise<boolean> {
  while (!ending.aborted) {
    await pause(LOOK_EVERY_MS, ending);
    if (!ending.aborted && !(await one.isRunning())) return true;
  }
  return false;
}

const pause = (ms: number, ending: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal: ending }).catch(() => undefined);
