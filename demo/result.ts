// What the demo showed, judged.

import {
  aliasCheck,
  collectionCheck,
  killCheck,
  incrementCheck,
  recoveryCheck,
  searchCheck,
  wipeCheck,
  type Check,
  type KillStory,
} from './checks.js';
import { SAMPLE_COLLECTION } from './sample-collections.js';
import type { ComparedSearch } from './searches.js';
import type { MigrationReport } from '../src/model/contracts/results.js';
import type { Disaster } from './disaster.js';
import type { Pass } from './passes.js';
import { MISTAKE, type WayBack } from './way-back.js';
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
  wayBack: string;
}

export interface Shown {
  filled: { sample: number; made: number };
  slow: Pass<MigrationReport>;
  fast: Pass<MigrationReport>;
  story: KillStory | undefined;
  disaster: Disaster;
  wayBack: WayBack;
  /** After the migration, after the recovery, and through the alias after the way back. */
  searches: Record<'migrated' | 'recovered' | 'returned', ComparedSearch[]>;
  links: DemoLinks;
}

const ALIASES = ['made', 'packages'];

export function judge(shown: Shown): DemoResult {
  const { filled, slow, fast, story, disaster, wayBack, searches, links } = shown;
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
      ...wayBackChecks(wayBack, slow.reports),
      searchCheck(searches.returned, 'the target after the way back'),
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

function wayBackChecks({ before, after, recovery }: WayBack, migrated: MigrationReport[]): Check[] {
  const source = migrated.find(({ target }) => target.collection === SAMPLE_COLLECTION);
  const report = recovery.reports.find(({ from }) => from.backup === before.reports[0]?.backup);
  const isBack =
    source && report
      ? recoveryCheck(report, source, 'from before the mistake')
      : { passed: false, claim: `${SAMPLE_COLLECTION} did not come back from before the mistake` };
  return [
    ...[before, after].flatMap(failures),
    incrementCheck(before.reports[0], after.reports[0], MISTAKE),
    ...failures(recovery),
    isBack,
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
