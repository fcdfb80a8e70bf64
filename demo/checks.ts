// What the demo claims at its end, each claim with what it rests on. Pure: it judges reports, it asks nobody.

import { sameDigest } from '../src/model/format/digest.js';
import type { RecoveryReport } from '../src/model/state/recovery-progress.js';
import type { BackupReport, MigrationReport } from '../src/model/contracts/results.js';
import type { ComparedSearch } from './searches.js';
import { bytes } from '../src/cli/terminal/formatting.js';

export interface Check {
  passed: boolean;
  claim: string;
}

/** One slice around the death of its worker. */
export interface ResumedSlice {
  what: string;
  /** Next id that was not done, as Temporal held it. */
  cursorBefore?: string;
  pointsBefore: number;
  /** The least that the next attempt reported. */
  pointsAfter: number;
}

export interface KillStory {
  /** Points safely on the target when the worker was killed, of how many. */
  points: number;
  total: number;
  /** Slices that were being copied then. */
  working: number;
  killedPid: number;
  newPid: number;
  /** From the kill until a slice was worked on again. */
  seconds: number;
  slices: ResumedSlice[];
}

/** Collections on the target before its storage was wiped, and when it had started again. */
export interface DisasterStory {
  before: number;
  after: number;
}

export function collectionCheck(report: MigrationReport, expected: number): Check {
  const { proof, target } = report;
  const passed =
    report.outcome === 'verified' &&
    proof.equal &&
    sameDigest(proof.source, proof.target) &&
    [proof.sourceCount, proof.targetCount, proof.source.count].every((count) => count === expected) &&
    proof.configuration.length === 0;
  const points = `${whole(proof.sourceCount)} points on the source, ${whole(proof.targetCount)} on the target`;
  return { passed, claim: `${target.collection}: ${points}, digests ${digests(report)}` };
}

export function wipeCheck({ before, after }: DisasterStory, backups: readonly BackupReport[]): Check {
  const proved = backups.filter((one) => one.outcome === 'verified' && one.proven === 'quiesced').length;
  const passed = before > 0 && after === 0 && proved > 0 && proved === backups.length;
  const claim = `${proved} of ${backups.length} collections backed up and proved; the target wiped: ${after} of ${before} collections left`;
  return { passed, claim };
}

/** What came back from the store is what the source of the migration held, which no backup knew. */
export function recoveryCheck(report: RecoveryReport, source: MigrationReport, from = 'from S3'): Check {
  const { digest, kind } = report.contentProof;
  const passed =
    report.outcome === 'verified' &&
    report.points === source.proof.sourceCount &&
    digest !== undefined &&
    sameDigest(digest, source.proof.source);
  const how = digest === undefined ? 'no digest' : `digest ${short(digest.sum)}`;
  const claim =
    `${report.target.collection}: ${whole(report.points)} points back ${from} in ` +
    `${report.recoverySeconds.toFixed(1)} s, ${how} ${passed ? 'as on the source' : `(${kind})`}`;
  return { passed, claim };
}

/** An increment holds exactly what the mistake changed, and continues the backup before it. */
export function incrementCheck(
  before: BackupReport | undefined,
  after: BackupReport | undefined,
  mistake: { changed: number; deleted: number },
): Check {
  const { changes, bytes: size = 0 } = after ?? {};
  const passed =
    before !== undefined &&
    changes?.base === before.backup &&
    changes.changed === mistake.changed &&
    changes.deleted === mistake.deleted &&
    size < before.bytes;
  const found = `${changes?.changed ?? 0} changed and ${changes?.deleted ?? 0} deleted points found`;
  return { passed, claim: `${found}, and stored as an increment of ${bytes(size)}` };
}

function digests({ proof }: MigrationReport): string {
  if (sameDigest(proof.source, proof.target)) return `both ${short(proof.source.sum)}`;
  return `${short(proof.source.sum)} and ${short(proof.target.sum)}`;
}

export function killCheck(story: KillStory | undefined): Check {
  if (!story) return { passed: false, claim: 'the data worker was never killed: the copy was over too soon' };
  const wentOn = story.slices.filter((slice) => slice.pointsAfter >= slice.pointsBefore).length;
  const passed = story.points > 0 && wentOn > 0 && wentOn === story.working;
  const at = `data worker killed at ${whole(story.points)} of ${whole(story.total)} points`;
  const claim = passed
    ? `${at}; after ${story.seconds.toFixed(1)} s another continued from its cursors`
    : `${at}; ${wentOn} of ${story.working} slices continued from their cursors`;
  return { passed, claim };
}

export function aliasCheck(
  reports: readonly { aliases: string[] }[],
  expected: readonly string[],
  how = 'carried over',
): Check {
  const found = reports.flatMap((report) => report.aliases).sort();
  const passed = expected.every((alias) => found.includes(alias));
  return { passed, claim: `aliases ${how}: ${found.join(', ') || 'none'}` };
}

export function searchCheck(searches: readonly ComparedSearch[], target = 'target'): Check {
  const alike = searches.filter((search) => search.alike).length;
  const passed = searches.length > 0 && alike === searches.length;
  return {
    passed,
    claim: `${alike} of ${searches.length} searches with the same results on source and ${target}`,
  };
}

function short(sum: string): string {
  return `${sum.slice(0, 8)}…`;
}

function whole(count: number): string {
  return count.toLocaleString('en-US');
}
