// A Temporal server and workers for one command: started with it, started again when they die, ended with it in whatever
// way it ends. The database outlives them, so that the same command later goes on with its job.

import { join } from 'node:path';
import { onlyTemporalAt } from '../config.js';
import { FerryError } from '../model/errors.js';
import { freePortsForTemporal } from './free-ports.js';
import { keepAlive } from './keep-alive.js';
import type { LocalProcess } from './local-process.js';
import { tryLock } from './lock.js';
import {
  clearJobFolder,
  openJobFolder,
  removeNote,
  unfinishedJobs,
  type JobFolder,
  type JobNote,
} from './standalone-folder.js';
import {
  endRecorded,
  readStandaloneRecord,
  removeStandaloneRecord,
  writeStandaloneRecord,
  type StandaloneRecord,
} from './standalone-record.js';
import { temporalServer, type TemporalServer } from './temporal-server.js';
import { workerProcess } from './worker-process.js';

/** For what a killed command left: nobody waits for what it does. */
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
  /** Jobs of other commands that wait to be gone on with. */
  readonly others: (JobNote & { path: string })[];
  /** The job has ended and that was told: nothing of it is gone on with. */
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
