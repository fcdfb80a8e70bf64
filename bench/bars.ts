// The bars we measure ourselves by. What was not measured has no verdict.

import { INGEST } from './contestants/ingest.js';
import { OFFICIAL_DEFAULTS, OFFICIAL_TUNED } from './contestants/official-tool.js';
import { OUR_COPY, OUR_JOB, OUR_PROOF } from './contestants/ours.js';
import { PLAIN_LOOP } from './contestants/plain-loop.js';
import type { MemoryRun } from './memory.js';
import type { Summary } from './summary.js';

export interface Bar {
  what: string;
  measured: number;
  unit: '×' | '%' | 'MB' | 's/GB';
  bar: number;
  direction: '≥' | '≤';
  isMet: boolean;
}

const OF_INGEST = "copy against the target's own ingest";

export function speedBars(summaries: readonly Summary[]): Bar[] {
  const rate = (line: string) =>
    summaries.find((summary) => summary.line === line)?.pointsPerSecond.median ?? Number.NaN;
  const ratio = (what: string, mine: string, other: string, bar: number, unit: '×' | '%' = '×') =>
    atLeast(what, (rate(mine) / rate(other)) * (unit === '%' ? 100 : 1), bar, unit);
  const cost = summaries.find(({ line }) => line === OUR_COPY)?.cpuSecondsPerGigabyte ?? Number.NaN;
  return [
    ratio('copy against the plain loop', OUR_COPY, PLAIN_LOOP, 10),
    ratio('copy and full verification against the plain loop', OUR_PROOF, PLAIN_LOOP, 5),
    ratio(OF_INGEST, OUR_COPY, INGEST, 80, '%'),
    ratio('copy against qdrant/migration, defaults', OUR_COPY, OFFICIAL_DEFAULTS, 5),
    ratio('copy against qdrant/migration, batch 500', OUR_COPY, OFFICIAL_TUNED, 5),
    ratio('copy and full verification against the copy of qdrant/migration', OUR_PROOF, OFFICIAL_DEFAULTS, 1),
    ratio('the same against its copy with batch 500', OUR_PROOF, OFFICIAL_TUNED, 1),
    atMost('CPU of both workers, copy', cost, 12, 's/GB'),
  ].filter(({ measured }) => Number.isFinite(measured));
}

/** Where the cores are shared, the ingest uses those that reading and relaying need; so here nobody takes the target's. */
export function apartBars(summaries: readonly Summary[]): Bar[] {
  const what = "copy against the target's own ingest, the target on a core of its own";
  return speedBars(summaries)
    .filter(({ what: line }) => line === OF_INGEST)
    .map((bar) => ({ ...bar, what }));
}

/** The time that integers of 2^63 and more cost. */
export function wideBars(plain: readonly Summary[], wide: readonly Summary[]): Bar[] {
  const seconds = (summaries: readonly Summary[], line: string) =>
    summaries.find((summary) => summary.line === line)?.seconds.median ?? Number.NaN;
  return [OUR_COPY, OUR_PROOF, OUR_JOB].map((line) =>
    atMost(`${line}: wide integers against plain`, seconds(wide, line) / seconds(plain, line), 2.5, '×'),
  );
}

export function memoryBars([small, large]: readonly MemoryRun[]): Bar[] {
  if (small === undefined || large === undefined) return [];
  const growth = (large.peakBytes / small.peakBytes - 1) * 100;
  return [
    atMost(`peak memory of the data worker, ${small.points} points`, small.peakBytes / 1e6, 300, 'MB'),
    atMost(`its growth at ${large.points} points`, growth, 20, '%'),
  ];
}

export function atLeast(what: string, measured: number, bar: number, unit: Bar['unit']): Bar {
  return { what, measured, unit, bar, direction: '≥', isMet: measured >= bar };
}

export function atMost(what: string, measured: number, bar: number, unit: Bar['unit']): Bar {
  return { what, measured, unit, bar, direction: '≤', isMet: measured <= bar };
}
