// A process is known by its pid and the moment it started: pids are used again, and names prove nothing.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, and the boot, on Linux; what `ps -o lstart=` says elsewhere. */
  startedAt: string;
}

/** Of a process that lives now; undefined when there is none, or only a zombie that nobody has collected yet. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = process.platform === 'linux' ? await linuxStart(pid) : await psStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

/** SIGTERM, then SIGKILL when it has not ended in time. True when it was alive; somebody else's pid is left alone. */
export async function endProcess(identity: ProcessIdentity, graceMs = 10_000): Promise<boolean> {
  if (!(await signalProcess(identity, 'SIGTERM'))) return false;
  if (await hasEnded(identity, graceMs)) return true;
  await signalProcess(identity, 'SIGKILL');
  await hasEnded(identity, 10_000);
  return true;
}

export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

export async function hasEnded(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (await isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** Field 22 of /proc/<pid>/stat. The name in field 2 may hold spaces and brackets, so count from its last bracket. */
export function startTicks(stat: string): { state: string; ticks: string } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0], fields[19]];
  return state === undefined || ticks === undefined ? undefined : { state, ticks };
}

async function linuxStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const found = stat === undefined ? undefined : startTicks(stat);
  if (found === undefined || found.state === 'X') return undefined;
  if (found.state === 'Z' && !(await hasThreads(pid))) return undefined;
  return `${found.ticks}@${await bootId()}`;
}

/** A killed process is a zombie as soon as its first thread ended; the others may still hold its ports and files. */
async function hasThreads(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  return threads.length > 1;
}

let boot: Promise<string> | undefined;
function bootId(): Promise<string> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (id) => id.trim(),
    () => 'boot',
  );
  return boot;
}

async function psStart(pid: number): Promise<string | undefined> {
  const said = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    env: { ...process.env, LC_ALL: 'C' },
  }).catch(() => undefined);
  const [, state, started] = /^\s*(\S+)\s+(.+?)\s*$/.exec(said?.stdout ?? '') ?? [];
  return state === undefined || state.startsWith('Z') ? undefined : started;
}
