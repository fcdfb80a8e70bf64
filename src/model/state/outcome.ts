// The report of a collection at the end of its workflow, computed from its state.

import type { CollectionRef } from '../collections.js';
import type { Difference } from '../contracts/slice-activities.js';
import { FerryError, type ErrorCode } from '../errors.js';
import { compareIds } from '../point-id.js';
import { isTrusted, proofOf, type CollectionProgress } from './progress-state.js';
import type { MigrationReport, Outcome, Proof, VerificationReport } from '../contracts/results.js';
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
    operation: progress.operation,
    source: ends.source,
    target: ends.target,
    ...verdictOf(progress, proof),
    points: progress.copied.points,
    bytes: progress.copied.bytes,
    copySeconds,
    verifySeconds: seconds(progress.verified.ms),
    pointsPerSecond: copySeconds > 0 ? Math.round(progress.copied.points / copySeconds) : 0,
    repaired: { ...progress.repaired, ...overwritten(progress, proof) },
    proof,
    aliases: finish.aliases,
    ...(progress.indexing === undefined ? {} : { indexing: progress.indexing }),
    warnings: [...mendings(progress), ...progress.warnings],
  };
}

/** Only what was read on both sides is `verified`. */
function verdictOf(progress: CollectionProgress, proof: Proof): { outcome: Outcome; reason?: string } {
  if (!proof.equal) {
    const reason = reasonForDifference(progress, proof);
    return { outcome: 'different', ...(reason === undefined ? {} : { reason }) };
  }
  const planned = progress.total;
  if (planned > 0 && proof.source.count === 0) {
    const reason = `the source held ${whole(planned)} points when the job was planned and holds none now`;
    return { outcome: 'different', reason };
  }
  if (!isTrusted(progress)) return { outcome: 'verified' };
  return {
    outcome: 'unproven',
    reason: 'equal to the source as it was read: the source was not read again',
  };
}

function reasonForDifference(progress: CollectionProgress, proof: Proof): string | undefined {
  const { plan } = progress;
  if (isOfSettings(proof)) return settingsText(proof);
  if (plan?.targetState !== 'known') return undefined;
  if (progress.lacksDeletion) return deletedSince(proof.extra);
  if (progress.untouchedAfter !== undefined) return undefined;
  if (proof.missing + proof.changed + proof.extra === 0) return undefined;
  return 'target has changed since it was verified, so nothing was written. If the source leads: `deleteExtras: true` (`--delete-extras`)';
}

function deletedSince(extra: number): string {
  const points = extra === 1 ? '1 point' : `${whole(extra)} points`;
  const what = `the source has deleted ${points} since it was verified`;
  return `${what}; nothing was written, and only \`deleteExtras\` (\`--delete-extras\`) deletes them from the target`;
}

/** With `merge`, points of the target that had the id of one of the source's. Exact while nobody else writes there. */
function overwritten({ plan }: CollectionProgress, proof: Proof): { overwritten?: number } {
  if (plan?.targetState !== 'merge') return {};
  const added = proof.targetCount - plan.targetPoints;
  return { overwritten: Math.max(0, proof.source.count - added) };
}

export function verificationReport(
  progress: CollectionProgress,
  ends: Ends,
  finish: Omit<Finish, 'aliases'> & { seconds: number },
): VerificationReport {
  const proof = proofOf(progress, finish.subset, finish.configuration);
  const verdict = verdictOf(progress, proof);
  const { operation, warnings } = progress;
  return { operation, ...ends, ...verdict, seconds: finish.seconds, proof, warnings };
}

/** Says in a sentence what differs; where it is settings alone, also what to do, for no writer is the cause. */
export function describeDifference(report: MigrationReport): { code: ErrorCode; message: string } {
  const { target, proof } = report;
  if (!isOfSettings(proof)) return { code: 'SidesDiffer', message: pointsText(report) };
  const name = `${target.collection} on ${target.cluster}`;
  const equal = `all ${whole(proof.targetCount)} points of ${name} are equal, and ${settingsText(proof)}`;
  return { code: 'SettingsDiffer', message: new FerryError('SettingsDiffer', capital(equal)).message };
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function isOfSettings({ configuration, missing, changed, extra, source, target, subset }: Proof): boolean {
  if (configuration.length === 0 || subset || missing + changed + extra > 0) return false;
  return source.sum === target.sum && source.count === target.count;
}

function settingsText({ configuration }: Proof): string {
  return `its settings differ from the source's: ${configuration.join('; ')}`;
}

function pointsText(report: MigrationReport): string {
  const { source, target, proof, reason } = report;
  const ends = `${source.collection} on ${source.cluster} and ${target.collection} on ${target.cluster}`;
  if (proof.equal && reason !== undefined) return `${ends} are equal, but ${reason}.`;
  const parts = [
    proof.missing > 0 ? [`${whole(proof.missing)} missing`] : [],
    proof.changed > 0 ? [`${whole(proof.changed)} changed`] : [],
    proof.extra > 0 ? [`${whole(proof.extra)} extra`] : [],
    proof.configuration.length > 0 ? [`configuration: ${proof.configuration.join('; ')}`] : [],
  ].flat();
  const counts = `${whole(proof.sourceCount)} and ${whole(proof.targetCount)} points`;
  const what = parts.length > 0 ? parts.join(', ') : `the digests were taken while a side was written`;
  const ids = proof.first.length > 0 ? ` First ids: ${proof.first.map(named).join(', ')}.` : '';
  const because = reason === undefined ? '' : `${target.collection}: ${reason}. `;
  return `${because}${ends} differ (${counts}): ${what}.${ids}`;
}

/** "docs on b has 1,200 of 4,000 points, indexing restored; start the same job again to continue" */
export function stateOfTarget(
  target: CollectionRef,
  points: number,
  total: number,
  released: boolean,
): string {
  const indexing = released ? 'indexing restored' : 'indexing NOT restored';
  return (
    `${target.collection} on ${target.cluster} has ${whole(points)} of ${whole(total)} points, ${indexing}; ` +
    'start the same job again to continue'
  );
}

/** Of a target that is no longer the collection, or the cluster, that the job prepared. */
export function replacedTarget(target: CollectionRef): string {
  return `${nameOf(target)} was left as it is now`;
}

/** "docs on b" */
export function nameOf({ cluster, collection }: CollectionRef): string {
  return `${collection} on ${cluster}`;
}

export function named(difference: Difference): string {
  const key = difference.shardKey === undefined ? '' : `${difference.shardKey}:`;
  return `${key}${difference.id} (${difference.kind})`;
}

function mendings(progress: CollectionProgress): string[] {
  const { upserted, deleted } = progress.repaired;
  if (upserted + deleted === 0) return [];
  const ids = `First ids: ${inOrder(progress.mended).map(named).join(', ')}`;
  const isBroughtBack =
    progress.operation === 'snapshotMigration' && progress.plan?.targetState !== 'known' && deleted > 0;
  if (!isBroughtBack)
    return [`Repaired on the target: ${whole(upserted)} written again, ${whole(deleted)} deleted. ${ids}`];
  const removed = `${whole(deleted)} points that the snapshot brought back were removed`;
  const written = upserted > 0 ? `, and ${whole(upserted)} written again` : '';
  return [`${removed}: the source does not have them${written}. ${ids}`];
}

function inOrder(differences: readonly Difference[]): Difference[] {
  return [...differences].sort((a, b) => compareIds(a.id, b.id));
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
