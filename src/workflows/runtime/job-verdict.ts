// How a job over many collections fails: with a code that says what the trouble was, and its report as the detail, so
// that nothing of what was achieved is lost to the reader.

import type { JobReport } from '../../model/contracts/results.js';
import { failure, type Trouble } from './failures.js';

/** A job of one collection fails with that collection's own code, so that the true cause is what a user sees first. */
export function jobFailure(report: JobReport, sole: Trouble | undefined) {
  if (sole) return failure(sole.code, sole.message, report);
  const { verified, different, failed } = report;
  const counts = `${verified} verified, ${different} different, ${failed} failed`;
  const named = report.collections.filter((line) => !['verified', 'skipped'].includes(line.outcome));
  const lines = named.slice(0, 5).map((line) => `${line.collection}: ${line.error ?? line.outcome}`);
  const message = [`${counts}.`, ...lines].join('\n');
  if (report.outcome === 'aborted') return failure('Aborted', message, report);
  return failure(report.outcome === 'different' ? 'SidesDiffer' : 'CollectionsFailed', message, report);
}
