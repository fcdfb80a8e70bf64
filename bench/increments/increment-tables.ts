// The report on increments as Markdown.

import { machineText, table } from '../tables.js';
import { ONE_POINT, type IncrementsReport } from './measure-increments.js';

const ESTIMATED_POINTS = 100_000_000;

/** The estimate: what a job takes for itself, and for each point what it took here. */
export function incrementsAsMarkdown({ machine, points, runs }: IncrementsReport): string {
  const full = runs.find(({ line }) => line === 'full, by points');
  const ofOnePoint = runs.find(({ line }) => line === ONE_POINT)?.seconds ?? 0;
  const megabytes = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(3));
  const factor = ESTIMATED_POINTS / points;
  const hours = (seconds: number) => Math.max(0, (seconds - ofOnePoint) * factor + ofOnePoint) / 3_600;
  const share = (part: number, whole: number | undefined) =>
    whole === undefined || whole === 0 ? '' : `${((100 * part) / whole).toFixed(2)} %`;
  const rows = runs.map(({ line, seconds, changed, readBytes, storedBytes }) => [
    ...[line, String(changed), seconds.toFixed(1), share(seconds, full?.seconds)],
    ...[megabytes(readBytes), megabytes(storedBytes), share(storedBytes, full?.storedBytes)],
    ...(line === ONE_POINT
      ? ['', '']
      : [hours(seconds).toFixed(2), ((storedBytes * factor) / 1e9).toFixed(1)]),
  ]);
  const head = ['', 'changed', 'seconds', 'of full', 'MB read', 'MB stored', 'of full', 'hours', 'GB stored'];
  const about = `Increments of ${points} points. ${machineText(machine)}\n\nThe last two columns are estimated for ${ESTIMATED_POINTS} points.`;
  return [about, table(head, rows)].join('\n\n');
}
