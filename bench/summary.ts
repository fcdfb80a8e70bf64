import type { Course, Measured } from './contestants/contestant.js';
import type { Run } from './rounds.js';

export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** One line of the table, over all rounds. */
export interface Summary {
  line: string;
  pointsPerSecond: Spread;
  seconds: Spread;
  megabytesPerSecond: number;
  cpuSeconds: number;
  cpuSecondsPerGigabyte: number;
  peakMegabytes: number;
  serverCpuSeconds: { source: number; target: number };
}

/** `bytes` of all points, encoded: the same for everybody, however he encodes them. */
export function summarise(runs: readonly Run[], course: Pick<Course, 'points'>, bytes: number): Summary[] {
  const lines = [...new Set(runs.map(({ line }) => line))];
  return lines.map((line) => {
    const mine = runs.filter((run) => run.line === line);
    const of = (pick: (run: Measured) => number) => spread(mine.map(pick));
    const seconds = of((run) => run.seconds);
    const cpuSeconds = of((run) => run.cpuSeconds).median;
    return {
      line,
      pointsPerSecond: of((run) => course.points / run.seconds),
      seconds,
      megabytesPerSecond: bytes / 1e6 / seconds.median,
      cpuSeconds,
      cpuSecondsPerGigabyte: cpuSeconds / (bytes / 1e9),
      peakMegabytes: of((run) => run.peakBytes / 1e6).most,
      serverCpuSeconds: {
        source: spread(mine.map((run) => run.serverCpuSeconds.source)).median,
        target: spread(mine.map((run) => run.serverCpuSeconds.target)).median,
      },
    };
  });
}

export function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}
