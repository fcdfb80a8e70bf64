import type { Measured } from './contestant.js';

/** For a script: times the work, and tells the parent. What was prepared before counts neither as time nor as CPU. */
export async function measureHere(work: () => Promise<void>): Promise<void> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  await work();
  const used = process.cpuUsage(before);
  const measured: Measured = {
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1_024,
  };
  console.log(JSON.stringify(measured));
}

export function scriptInput<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}
