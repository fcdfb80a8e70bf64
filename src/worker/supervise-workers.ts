// `--role all`: a control and a data worker as two processes, each started again when it dies. They stop with this
// process, in order on SIGTERM and at once when it is killed. SIGHUP is passed on: they read ferry.yaml again; from a
// terminal that is closed it ends all three.

import { spawn, type ChildProcess } from 'node:child_process';
import { dieTogether } from '../local/die-together.js';
import { hasTerminal } from './has-terminal.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A worker that lived this long was well: the next pause is short again. */
const WELL_AFTER_MS = 60_000;

/** `argumentsOf` gives the arguments for node that start the worker of a role. Ends when both have ended. */
export async function superviseWorkers(argumentsOf: (role: 'control' | 'data') => string[]): Promise<void> {
  const stop = new AbortController();
  const signals: NodeJS.Signals[] = hasTerminal() ? ['SIGTERM', 'SIGINT', 'SIGHUP'] : ['SIGTERM', 'SIGINT'];
  const onSignal = () => stop.abort();
  for (const signal of signals) process.on(signal, onSignal);
  await Promise.all(
    (['control', 'data'] as const).map((role) => keepAlive(role, argumentsOf(role), stop.signal)),
  );
  for (const signal of signals) process.off(signal, onSignal);
}

async function keepAlive(role: string, args: string[], stop: AbortSignal): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!stop.aborted) {
    const startedAt = performance.now();
    const how = await runOnce(args, stop);
    if (stop.aborted) return;
    pauseMs = performance.now() - startedAt > WELL_AFTER_MS ? FIRST_PAUSE_MS : pauseMs;
    process.stderr.write(`${role} worker ended (${how}); starting it again in ${pauseMs / 1_000} s\n`);
    await pause(pauseMs, stop);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function runOnce(args: string[], stop: AbortSignal): Promise<string> {
  // A group of its own: Ctrl-C on the terminal comes to it through us, once.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  child.once('spawn', () => dieTogether(child.pid as number, child));
  const terminate = () => child.kill('SIGTERM');
  const readAgain = () => child.kill('SIGHUP');
  if (!hasTerminal()) process.on('SIGHUP', readAgain);
  stop.addEventListener('abort', terminate);
  try {
    return await ended(child);
  } finally {
    stop.removeEventListener('abort', terminate);
    process.off('SIGHUP', readAgain);
  }
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener('abort', end);
  });
}
