// What the demo showed, judged.

import {
  aliasCheck,
  collectionCheck,
  killCheck,
  searchCheck,
  type Check,
  type KillStory,
} from '../local/demo-checks.js';
import type { ComparedSearch } from '../local/demo-searches.js';
import type { MigrationReport } from '../model/results.js';
import { errorText } from './exit-codes.js';
import type { Pass } from './demo-passes.js';

export interface DemoFigures {
  points: number;
  bytes: number;
  copySeconds: number;
  verifySeconds: number;
  /** Of the copy alone, and of copy and proof together. */
  copyPointsPerSecond: number;
  pointsPerSecond: number;
}

export interface DemoResult {
  checks: Check[];
  figures?: DemoFigures;
  kill?: KillStory;
  searches: ComparedSearch[];
  links: { slow: string; fast: string };
}

export interface Shown {
  filled: { sample: number; made: number };
  slow: Pass;
  fast: Pass;
  story: KillStory | undefined;
  searches: ComparedSearch[];
  links: { slow: string; fast: string };
}

const ALIASES = ['made', 'packages'];

export function judge(shown: Shown): DemoResult {
  const { filled, slow, fast, story, searches, links } = shown;
  const expected = (report: MigrationReport) =>
    report.points === filled.sample || report.source.collection.startsWith('debian')
      ? filled.sample
      : filled.made;
  const proofs = [...slow.reports, ...fast.reports].map((report) =>
    collectionCheck(report, expected(report)),
  );
  const figures = fast.reports[0] && figuresOf(fast.reports[0]);
  return {
    checks: [
      ...failures(slow),
      ...failures(fast),
      ...proofs,
      killCheck(story),
      aliasCheck(slow.reports, ALIASES),
      searchCheck(searches),
    ],
    ...(figures ? { figures } : {}),
    ...(story ? { kill: story } : {}),
    searches,
    links,
  };
}

function failures({ end, workflowId }: Pass): Check[] {
  if (end.error) return [{ passed: false, claim: `${workflowId}: ${errorText(end.error)}` }];
  if (end.report?.outcome === 'verified') return [];
  return [{ passed: false, claim: `${workflowId} ended ${end.report?.outcome ?? 'without a report'}` }];
}

function figuresOf(report: MigrationReport): DemoFigures {
  const { points, bytes, copySeconds, verifySeconds } = report;
  return {
    points,
    bytes,
    copySeconds,
    verifySeconds,
    copyPointsPerSecond: points / copySeconds,
    pointsPerSecond: points / (copySeconds + verifySeconds),
  };
}
