// The target on a core of its own, as one on another machine has it: everything else, our workers, the source, Temporal
// and this process with all that it starts, keeps to the other cores. Linux only, for it takes `taskset`.

import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import type { Stage } from './stage.js';

const run = promisify(execFile);

/** False where that cannot be had: one core alone, or no `taskset`. Undone by `shareCores`. */
export async function giveTargetItsCore(stage: Stage): Promise<boolean> {
  const cores = cpus().length;
  if (cores < 2 || process.platform !== 'linux') return false;
  try {
    await pin(stage.target.pid, '0');
    for (const pid of others(stage)) await pin(pid, `1-${cores - 1}`);
    return true;
  } catch {
    await shareCores(stage);
    return false;
  }
}

export async function shareCores(stage: Stage): Promise<void> {
  const all = `0-${cpus().length - 1}`;
  for (const pid of [stage.target.pid, ...others(stage)]) await pin(pid, all).catch(() => undefined);
}

function others({ source, temporal, control, data }: Stage): number[] {
  return [source.pid, temporal.pid, control.pid, data.pid, process.pid];
}

/** With all threads; what a process starts later inherits it. */
async function pin(pid: number, cores: string): Promise<void> {
  await run('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)]);
}
