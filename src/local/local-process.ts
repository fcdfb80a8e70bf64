// One server or worker on this machine. It runs in a session of its own, so that Ctrl-C reaches only the starter,
// and it dies with the starter, even if that is killed with SIGKILL, unless it was released to outlive it.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FerryError } from '../model/errors.js';
import { dieTogether } from './die-together.js';
import { endProcess, hasEnded, identify, signalProcess, type ProcessIdentity } from './process-identity.js';

export interface ProcessSpec {
  /** For messages: "qdrant 1.16.3". */
  name: string;
  /** A binary that may have to be fetched is looked for at the first start, not before. */
  command: string | (() => Promise<string>);
  args: string[];
  /** Added to our own environment; undefined takes a name away. */
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  logFile: string;
  isReady: (pid: number) => Promise<boolean>;
  readyWithinMs?: number;
  /** Between SIGTERM and SIGKILL. */
  graceMs?: number;
  /** Told at every start, as soon as the process exists. */
  onStart?: (identity: ProcessIdentity) => void;
}

export interface LocalProcess {
  readonly name: string;
  /** Of the last start; throws when it was never started. */
  readonly pid: number;
  readonly identity: ProcessIdentity;
  isRunning(): Promise<boolean>;
  /** Ends it in order; nothing happens when it has ended already. */
  stop(): Promise<void>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it (again) on the same ports and folder, unless it runs, and waits until it is ready. */
  start(): Promise<void>;
  /** From now on it outlives the starter, also when it is started again. */
  release(): void;
}

/** A process that is not started yet, or one that somebody else started by the same description. */
export function localProcess(spec: ProcessSpec, alreadyRunning?: ProcessIdentity): LocalProcess {
  let livesOn = false;
  let current: Running | undefined = alreadyRunning && { identity: alreadyRunning, release: () => undefined };
  const identity = () => {
    if (current === undefined) throw new FerryError('StackFailed', `${spec.name} was not started`);
    return current.identity;
  };
  let ending: Promise<void> | undefined;
  const end = async (how: (identity: ProcessIdentity) => Promise<unknown>) => {
    const ended = current;
    if (ended === undefined) return;
    ending = how(ended.identity).then(() => ended.release());
    await ending;
  };
  const isRunning = async () => current !== undefined && !(await hasEnded(current.identity, 0));
  return {
    name: spec.name,
    get pid() {
      return identity().pid;
    },
    get identity() {
      return identity();
    },
    isRunning,
    stop: () => end((known) => endProcess(known, spec.graceMs)),
    kill: () => end(async (known) => (await signalProcess(known, 'SIGKILL')) && hasEnded(known, 30_000)),
    start: async () => {
      // One that was killed closes its connections before it is gone: until then it looks alive.
      await ending?.catch(() => undefined);
      if (!(await isRunning())) current = await launch(spec);
      if (livesOn) current?.release();
    },
    release: () => {
      livesOn = true;
      current?.release();
    },
  };
}

/** The addresses beside the process, whose getters stay alive. */
export function withAddresses<A extends object>(started: LocalProcess, addresses: A): LocalProcess & A {
  return Object.assign(started, addresses);
}

interface Running {
  identity: ProcessIdentity;
  release(): void;
}

async function launch(spec: ProcessSpec): Promise<Running> {
  const command = typeof spec.command === 'string' ? spec.command : await spec.command();
  const child = spawnLogged(spec, command);
  const pid = await spawned(spec, child);
  const release = dieTogether(pid, child);
  const identity = await identify(pid);
  if (identity === undefined) throw await endedEarly(spec, child);
  spec.onStart?.(identity);
  try {
    await becomeReady(spec, child, pid);
  } catch (error) {
    await endProcess(identity, 1_000);
    release();
    throw error;
  }
  return { identity, release };
}

function spawnLogged(spec: ProcessSpec, command: string): ChildProcess {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const log = openSync(spec.logFile, 'a');
  const child = spawn(command, spec.args, {
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
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', (cause) => {
      const context = { binary: child.spawnfile };
      reject(new FerryError('StackFailed', `${spec.name} cannot be started`, { cause, context }));
    });
  });
}

async function becomeReady(spec: ProcessSpec, child: ChildProcess, pid: number): Promise<void> {
  const withinMs = spec.readyWithinMs ?? 60_000;
  const deadline = performance.now() + withinMs;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw await endedEarly(spec, child);
    if (await spec.isReady(pid).catch(() => false)) return;
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
  const said = lines === '' ? 'Its log is empty' : `The end of its log:\n${lines}\n`;
  return new FerryError('StackFailed', `${spec.name} ended before it was ready (${how}). ${said}`, {
    context: { binary: child.spawnfile, log: spec.logFile },
  });
}
