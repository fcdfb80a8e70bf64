// One server or worker on this machine. It runs in a session of its own, so that Ctrl-C reaches only the starter,
// and it dies with the starter, even one that was killed with SIGKILL, until it is released to live on.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FerryError } from '../model/errors.js';
import { endProcess, hasEnded, identify, signalProcess, type ProcessIdentity } from './process-identity.js';

export interface ProcessSpec {
  /** For messages: "qdrant 1.16.3". */
  name: string;
  command: string;
  args: string[];
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  logFile: string;
  isReady: () => Promise<boolean>;
  readyWithinMs?: number;
  /** Between SIGTERM and SIGKILL. */
  graceMs?: number;
}

export interface LocalProcess {
  readonly name: string;
  readonly pid: number;
  readonly identity: ProcessIdentity;
  /** Ends it in order; nothing happens when it has ended already. */
  stop(): Promise<void>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and folder, after `stop` or `kill`, and waits until it is ready. */
  start(): Promise<void>;
  /** From now on it outlives the starter. */
  release(): void;
}

export async function startProcess(spec: ProcessSpec): Promise<LocalProcess> {
  let running = await launch(spec);
  const end = async (how: (identity: ProcessIdentity) => Promise<unknown>) => {
    await how(running.identity);
    running.release();
  };
  return {
    name: spec.name,
    get pid() {
      return running.identity.pid;
    },
    get identity() {
      return running.identity;
    },
    stop: () => end((identity) => endProcess(identity, spec.graceMs)),
    kill: () =>
      end(async (identity) => (await signalProcess(identity, 'SIGKILL')) && hasEnded(identity, 30_000)),
    start: async () => {
      if (await hasEnded(running.identity, 0)) running = await launch(spec);
    },
    release: () => running.release(),
  };
}

interface Running {
  identity: ProcessIdentity;
  release(): void;
}

async function launch(spec: ProcessSpec): Promise<Running> {
  const child = spawnLogged(spec);
  const pid = await spawned(spec, child);
  const release = guard(pid, child);
  const identity = await identify(pid);
  if (identity === undefined) throw await endedEarly(spec, child);
  try {
    await becomeReady(spec, child);
  } catch (error) {
    await endProcess(identity, 1_000);
    release();
    throw error;
  }
  return { identity, release };
}

function spawnLogged(spec: ProcessSpec): ChildProcess {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const log = openSync(spec.logFile, 'a');
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  child.unref();
  closeSync(log);
  return child;
}

function spawned(spec: ProcessSpec, child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0));
    child.once('error', (cause) =>
      reject(
        new FerryError('StackFailed', `${spec.name} cannot be started`, {
          cause,
          context: { binary: spec.command },
        }),
      ),
    );
  });
}

// A shell holds the other end of a pipe. When this process ends, however it ends, the pipe closes without a word and
// the shell kills the child; told "done", it just leaves.
const WATCHER = `trap '' INT TERM HUP; read -r word || kill -9 "$1" 2>/dev/null`;

function guard(pid: number, child: ChildProcess): () => void {
  const watcher = spawn('/bin/sh', ['-c', WATCHER, 'ferry-watcher', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.on('error', () => undefined);
  watcher.stdin.on('error', () => undefined);
  watcher.unref();
  (watcher.stdin as unknown as { unref?: () => void }).unref?.();
  const release = () => void watcher.stdin.end('done\n');
  // A pid that ended may be somebody else's soon.
  child.once('exit', release);
  return release;
}

async function becomeReady(spec: ProcessSpec, child: ChildProcess): Promise<void> {
  const withinMs = spec.readyWithinMs ?? 60_000;
  const deadline = performance.now() + withinMs;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw await endedEarly(spec, child);
    if (await spec.isReady().catch(() => false)) return;
    if (performance.now() > deadline) {
      throw new FerryError('StackFailed', `${spec.name} was not ready after ${withinMs / 1_000} s`, {
        context: { log: spec.logFile },
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function endedEarly(spec: ProcessSpec, child: ChildProcess): Promise<FerryError> {
  const how = child.signalCode ?? `exit code ${child.exitCode ?? 'unknown'}`;
  const log = await readFile(spec.logFile, 'utf8').catch(() => '');
  const lines = log.trimEnd().split('\n').slice(-3).join('\n').slice(-600);
  return new FerryError(
    'StackFailed',
    `${spec.name} ended before it was ready (${how}). Its last words:\n${lines}\n`,
    {
      context: { log: spec.logFile },
    },
  );
}
