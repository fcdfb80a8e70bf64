// What a process used, from /proc: CPU time with that of its ended children, and the highest resident memory.

import { readFile, writeFile } from 'node:fs/promises';

/** USER_HZ, which is 100 wherever Linux runs Node. */
const TICKS_A_SECOND = 100;

export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND;
}

export async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
}

/** From now on `peakBytes` tells the highest since now. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

export interface CpuSample {
  /** Milliseconds since 1970. */
  at: number;
  cpuSeconds: number;
}

/** Samples the CPU time of processes, so that it can be told apart by phase afterwards. */
export class CpuRecorder {
  readonly #samples: CpuSample[] = [];
  readonly #pids: readonly number[];
  #timer: NodeJS.Timeout | undefined;

  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  async start(): Promise<void> {
    await this.#sample();
    this.#timer = setInterval(() => void this.#sample(), 50);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sample();
  }

  between(from: number, to: number): number {
    return this.#at(to) - this.#at(from);
  }

  async #sample(): Promise<void> {
    const used = await Promise.all(this.#pids.map(cpuSeconds));
    this.#samples.push({ at: Date.now(), cpuSeconds: used.reduce((sum, one) => sum + one, 0) });
  }

  #at(time: number): number {
    const sample = this.#samples.findLast(({ at }) => at <= time) ?? this.#samples[0];
    return sample?.cpuSeconds ?? 0;
  }
}
