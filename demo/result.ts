// What the demo showed, judged.

import {
  aliasCheck,
  collectionCheck,
  killCheck,
  recoveryCheck,
  searchCheck,
  wipeCheck,
  type Check,
  type KillStory,
} from './checks.js';
import type { ComparedSearch } from './searches.js';
import type { MigrationReport } from '../src/model/contracts/results.js';
import type { Disaster } from './disaster.js';
import type { Pass } from './passes.js';
import { errorText } from '../src/cli/terminal/exit-codes.js';

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
  links: DemoLinks;
}

/** Of the jobs, in the Temporal UI. */
export interface DemoLinks {
  slow: string;
  fast: string;
  backup: string;
  recovery: string;
}

export interface Shown {
  filled: { sample: number; made: number };
  slow: Pass<MigrationReport>;
  fast: Pass<MigrationReport>;
  story: KillStory | undefined;
  disaster: Disaster;
  /** After the migration, and again after the recovery. */
  searches: { migrated: ComparedSearch[]; recovered: ComparedSearch[] };
  links: DemoLinks;
}

const ALIASES = ['made', 'packages'];

export function judge(shown: Shown): DemoResult {
  const { filled, slow, fast, story, disaster, searches, links } = shown;
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
      searchCheck(searches.migrated),
      ...disasterChecks(disaster, slow.reports),
      searchCheck(searches.recovered, 'the recovered target'),
    ],
    ...(figures ? { figures } : {}),
    ...(story ? { kill: story } : {}),
    searches: searches.migrated,
    links,
  };
}

function disasterChecks({ backup, recovery, story }: Disaster, migrated: MigrationReport[]): Check[] {
  const recovered = migrated.map((source): Check => {
    const { collection } = source.target;
    const report = recovery.reports.find((one) => one.target.collection === collection);
    return report
      ? recoveryCheck(report, source)
      : { passed: false, claim: `${collection} was not recovered` };
  });
  return [
    ...failures(backup),
    wipeCheck(story, backup.reports),
    ...failures(recovery),
    ...recovered,
    aliasCheck(recovery.reports, ALIASES, 'back'),
  ];
}

function failures({ end, workflowId }: Pass<unknown>): Check[] {
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
