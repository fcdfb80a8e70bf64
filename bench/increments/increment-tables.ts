// The report on increments as Markdown.

import { machineText, table } from '../tables.js';
import type { IncrementsReport } from './measure-increments.js';

export function incrementsAsMarkdown({ machine, points, runs }: IncrementsReport): string {
  const full = runs.find(({ line }) => line === 'full, by points');
  const megabytes = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(2));
  const share = (part: number, whole: number | undefined) =>
    whole === undefined || whole === 0 ? '' : `${((100 * part) / whole).toFixed(2)} %`;
  const rows = runs.map(({ line, seconds, changed, readBytes, storedBytes }) => [
    ...[line, String(changed), seconds.toFixed(1), share(seconds, full?.seconds)],
    ...[megabytes(readBytes), megabytes(storedBytes), share(storedBytes, full?.storedBytes)],
  ]);
  const head = ['', 'changed', 'seconds', 'of full', 'MB read', 'MB stored', 'of full'];
  return [`Increments of ${points} points. ${machineText(machine)}`, table(head, rows)].join('\n\n');
}
