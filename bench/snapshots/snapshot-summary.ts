import { spread, type Spread } from '../summary.js';
import { GATEWAY_PIPE } from './gateway-pipe.js';
import { captureLine, recoveryLine } from './our-snapshots.js';
import { PIPE, PLAIN_PUT, PLAIN_UPLOAD } from './pipes.js';
import type { SnapshotRun } from './snapshot-rounds.js';

/** One line of the table, over all rounds. */
export interface SnapshotSummary {
  line: string;
  bytes: number;
  seconds: Spread;
  megabytesPerSecond: Spread;
  /** Of the throughput of the plain way; absent where there is none to hold it against. */
  ofPlain?: number;
  /** Of that of a plain way which goes a part of the way only. */
  ofPart?: { line: string; share: number };
  cpuSeconds: number;
  serverCpuSeconds: number;
  peakMegabytes: number;
}

const PLAIN: Record<string, string> = {
  [captureLine('gateway')]: PIPE,
  [captureLine('disk')]: PIPE,
  [recoveryLine('gateway', 'pull')]: PLAIN_UPLOAD,
  [recoveryLine('gateway', 'push')]: GATEWAY_PIPE,
  [recoveryLine('disk', 'push')]: PLAIN_UPLOAD,
};

const PART_OF_THE_WAY: Record<string, string> = {
  [captureLine('gateway')]: PLAIN_PUT,
  [recoveryLine('gateway', 'push')]: PLAIN_UPLOAD,
};

export function summariseSnapshots(runs: readonly SnapshotRun[]): SnapshotSummary[] {
  const lines = [...new Set(runs.map(({ line }) => line))];
  const rate = (line: string | undefined) => rateOf(runs, line).median;
  return lines.map((line) => {
    const mine = runs.filter((run) => run.line === line);
    const median = (pick: (run: SnapshotRun) => number) => spread(mine.map(pick)).median;
    const [plain, part] = [PLAIN[line], PART_OF_THE_WAY[line]];
    return {
      line,
      bytes: median(({ bytes }) => bytes),
      seconds: spread(mine.map(({ seconds }) => seconds)),
      megabytesPerSecond: rateOf(runs, line),
      ...(plain === undefined ? {} : { ofPlain: rate(line) / rate(plain) }),
      ...(part === undefined ? {} : { ofPart: { line: part, share: rate(line) / rate(part) } }),
      cpuSeconds: median((run) => run.cpuSeconds),
      serverCpuSeconds: median((run) => run.serverCpuSeconds),
      peakMegabytes: Math.max(...mine.map(({ peakBytes }) => peakBytes / 1e6)),
    };
  });
}

function rateOf(runs: readonly SnapshotRun[], line: string | undefined): Spread {
  const mine = runs.filter((run) => run.line === line);
  return spread(mine.map(({ bytes, seconds }) => bytes / 1e6 / seconds));
}
