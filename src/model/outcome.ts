// What the workflows say at their end, computed from their state.

import type { CollectionRef } from './collections.js';
import type { Difference } from './activities.js';
import { compareIds } from './point-id.js';
import { proofOf, type CollectionProgress } from './progress-state.js';
import type { MigrationReport, Outcome, VerificationReport } from './results.js';
import { whole } from './steering.js';

export interface Ends {
  source: CollectionRef;
  target: CollectionRef;
}

export interface Finish {
  subset: boolean;
  configuration: string[];
  aliases: string[];
}

export function migrationReport(progress: CollectionProgress, ends: Ends, finish: Finish): MigrationReport {
  const proof = proofOf(progress, finish.subset, finish.configuration);
  const copySeconds = seconds(progress.copied.ms);
  return {
    source: ends.source,
    target: ends.target,
    outcome: proof.equal ? 'verified' : 'different',
    points: progress.copied.points,
    bytes: progress.copied.bytes,
    copySeconds,
    verifySeconds: seconds(progress.verified.ms),
    pointsPerSecond: copySeconds > 0 ? Math.round(progress.copied.points / copySeconds) : 0,
    repaired: progress.repaired,
    proof,
    aliases: finish.aliases,
    warnings: [...progress.warnings, ...mendings(progress)],
  };
}

export function verificationReport(
  progress: CollectionProgress,
  ends: Ends,
  finish: Omit<Finish, 'aliases'> & { seconds: number },
): VerificationReport {
  const proof = proofOf(progress, finish.subset, finish.configuration);
  const outcome: Outcome = proof.equal ? 'verified' : 'different';
  return { ...ends, outcome, seconds: finish.seconds, proof, warnings: progress.warnings };
}

/** Says in a sentence what differs. */
export function describeDifference(report: MigrationReport | VerificationReport): string {
  const { source, target, proof } = report;
  const parts = [
    proof.missing > 0 ? [`${whole(proof.missing)} missing`] : [],
    proof.changed > 0 ? [`${whole(proof.changed)} changed`] : [],
    proof.extra > 0 ? [`${whole(proof.extra)} extra`] : [],
    proof.configuration.length > 0 ? [`configuration: ${proof.configuration.join('; ')}`] : [],
  ].flat();
  const counts = `${whole(proof.sourceCount)} and ${whole(proof.targetCount)} points`;
  const what = parts.length > 0 ? parts.join(', ') : `the digests were taken while a side was written`;
  const ids = proof.first.length > 0 ? ` First ids: ${proof.first.map(named).join(', ')}.` : '';
  const ends = `${source.collection} on ${source.cluster} and ${target.collection} on ${target.cluster}`;
  return `${ends} differ (${counts}): ${what}.${ids}`;
}

/** "docs on b has 1,200 of 4,000 points, indexing put back; start the same job again to go on" */
export function stateOfTarget(
  target: CollectionRef,
  points: number,
  total: number,
  released: boolean,
): string {
  const indexing = released ? 'indexing put back' : 'indexing NOT put back';
  return (
    `${target.collection} on ${target.cluster} has ${whole(points)} of ${whole(total)} points, ${indexing}; ` +
    'start the same job again to go on'
  );
}

export function named(difference: Difference): string {
  const key = difference.shardKey === undefined ? '' : `${difference.shardKey}:`;
  return `${key}${difference.id} (${difference.kind})`;
}

function mendings(progress: CollectionProgress): string[] {
  const { upserted, deleted } = progress.repaired;
  if (upserted + deleted === 0) return [];
  const ids = inOrder(progress.mended).map(named).join(', ');
  return [
    `Repaired on the target: ${whole(upserted)} written again, ${whole(deleted)} deleted. First ids: ${ids}`,
  ];
}

function inOrder(differences: readonly Difference[]): Difference[] {
  return [...differences].sort((a, b) => compareIds(a.id, b.id));
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
