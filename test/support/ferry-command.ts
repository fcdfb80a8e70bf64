// The real command, as a user runs it: `node dist/cli.js …` in a process of its own.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { JobReport } from '../../src/model/contracts/results.js';
import type { TestStack } from './test-stack.js';

export interface FerryRun {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Before the test's own time is over, which would tell nothing. */
const LONGEST_MS = 8 * 60_000;

const CLI = join(import.meta.dirname, '../../dist/cli.js');

export interface RunningFerry {
  pid: number;
  ended: Promise<FerryRun>;
  /** What it has said so far. */
  said(): string;
  kill(): void;
  /** Ctrl-C. */
  interrupt(): void;
}

export function startFerry(stack: Pick<TestStack, 'config' | 'folder'>, ...args: string[]): RunningFerry {
  const began = performance.now();
  const child = spawn(process.execPath, [CLI, ...args, '--config', stack.config], {
    env: { ...process.env, FERRY_STATE_DIR: stack.folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const tooLong = setTimeout(() => {
    process.stderr.write(`ferry ${args.join(' ')} does not end. It said:\n${stdout}${stderr}\n`);
    child.kill('SIGKILL');
  }, LONGEST_MS);
  const ended = new Promise<FerryRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code, stdout, stderr, seconds: (performance.now() - began) / 1_000 }),
    );
  }).finally(() => clearTimeout(tooLong));
  return {
    pid: child.pid as number,
    ended,
    said: () => stdout + stderr,
    kill: () => void child.kill('SIGKILL'),
    interrupt: () => void child.kill('SIGINT'),
  };
}

export async function ferry(
  stack: Pick<TestStack, 'config' | 'folder'>,
  ...args: string[]
): Promise<FerryRun> {
  return startFerry(stack, ...args).ended;
}

/** Of a run with `--json`: exactly one document. */
export function reportOf(run: FerryRun): JobReport {
  return documentOf(run) as JobReport;
}

/** Of a run with `--json` that failed. */
export function errorOf(run: FerryRun): { code: string; message: string } {
  return (documentOf(run) as { error: { code: string; message: string } }).error;
}

function documentOf(run: FerryRun): unknown {
  try {
    return JSON.parse(run.stdout) as unknown;
  } catch {
    throw new Error(`stdout is not one JSON document (exit code ${run.code}):\n${run.stdout}\n${run.stderr}`);
  }
}
