// A worker of the stack: `ferry worker` from dist, with the stack's ferry.yaml.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withoutTemporalSettings } from '../config.js';
import { FerryError } from '../model/errors.js';
import { localProcess, type LocalProcess } from './local-process.js';
import { packageRoot } from './package-root.js';
import type { ProcessIdentity } from './process-identity.js';

export type WorkerRole = 'control' | 'data';

export interface WorkerProcessOptions {
  role: WorkerRole;
  /** The ferry.yaml, which names the Temporal server too. */
  config: string;
  /** For logs and the file by which the worker reports that it polls. */
  folder: string;
  /** More arguments of `ferry worker`. */
  extraArgs?: string[];
  extraEnv?: Record<string, string>;
  onStart?: (identity: ProcessIdentity) => void;
}

export async function startWorkerProcess(options: WorkerProcessOptions): Promise<LocalProcess> {
  const worker = workerProcess(options);
  await worker.start();
  return worker;
}

/** Not started yet, or already running as `alreadyRunning`. */
export function workerProcess(options: WorkerProcessOptions, alreadyRunning?: ProcessIdentity): LocalProcess {
  const { role, folder } = options;
  const cli = join(packageRoot(), 'dist/cli.js');
  if (!existsSync(cli)) throw new FerryError('StackFailed', 'ferry is not built; run `npm run build`');
  const readyFile = join(folder, `worker-${role}.ready`);
  const own = ['worker', '--role', role, '--config', options.config, '--ready-file', readyFile];
  return localProcess(
    {
      name: `${role} worker`,
      command: process.execPath,
      args: ['--enable-source-maps', cli, ...own, ...(options.extraArgs ?? [])],
      env: { ...withoutTemporalSettings(), ...options.extraEnv },
      logFile: join(folder, `worker-${role}.log`),
      isReady: async (pid) => (await readFile(readyFile, 'utf8')).trim() === String(pid),
      graceMs: 35_000,
      ...(options.onStart === undefined ? {} : { onStart: options.onStart }),
    },
    alreadyRunning,
  );
}
