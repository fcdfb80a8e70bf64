import { spread, type Spread } from '../summary.js';
import type { MoveRun } from './move-rounds.js';
import { NODE_PIPE } from './node-pipe.js';
import { snapshotLine, transferLine } from './our-moves.js';

/** One line of the table, over all rounds. */
export interface MoveSummary {
  line: string;
  seconds: Spread;
  /** Where the line is about nothing but the transfer. */
  megabytesPerSecond?: Spread;
  /** Of the throughput of the plain pipe. */
  ofPipe?: number;
  /** The least of all rounds. */
  recall: number;
  cpuSeconds: number;
  serverCpuSeconds: number;
  peakMegabytes: number;
}

const OF_THE_PIPE = [transferLine(snapshotLine('push')), transferLine(snapshotLine('pull'))];

export function summariseMoves(runs: readonly MoveRun[]): MoveSummary[] {
  const lines = [...new Set(runs.map(({ line }) => line))];
  const pipe = rateOf(runs, NODE_PIPE).median;
  return lines.map((line) => {
    const mine = runs.filter((run) => run.line === line);
    const median = (pick: (run: MoveRun) => number) => spread(mine.map(pick)).median;
    const rate = rateOf(runs, line);
    const isOfPipe = OF_THE_PIPE.includes(line);
    return {
      line,
      seconds: spread(mine.map(({ seconds }) => seconds)),
      ...(isOfPipe || line === NODE_PIPE ? { megabytesPerSecond: rate } : {}),
      ...(isOfPipe ? { ofPipe: rate.median / pipe } : {}),
      recall: Math.min(...mine.map(({ recall }) => recall)),
      cpuSeconds: median((run) => run.cpuSeconds),
      serverCpuSeconds: median((run) => run.serverCpuSeconds),
      peakMegabytes: Math.max(...mine.map(({ peakBytes }) => peakBytes / 1e6)),
    };
  });
}

function rateOf(runs: readonly MoveRun[], line: string): Spread {
  const mine = runs.filter((run) => run.line === line);
  return spread(mine.map(({ bytes, seconds }) => bytes / 1e6 / seconds));
}
