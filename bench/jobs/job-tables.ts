// The report on whole commands as Markdown.

import { machineText, table } from '../tables.js';
import type { JobsReport } from './measure-jobs.js';

export function jobsAsMarkdown({ machine, runs }: JobsReport): string {
  const lines = [...new Set(runs.map(({ line }) => line))];
  const checkouts = [...new Set(runs.map(({ checkout }) => checkout))];
  const median = (line: string, checkout: string) => {
    const seconds = runs
      .filter((run) => run.line === line && run.checkout === checkout)
      .map((run) => run.seconds);
    return seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)];
  };
  const rows = lines.map((line) => {
    const found = checkouts.map((checkout) => median(line, checkout));
    const [ours, other] = found;
    const ratio = ours === undefined || other === undefined ? [] : [(other / ours).toFixed(1)];
    return [line, ...found.map((one) => one?.toFixed(1) ?? ''), ...ratio];
  });
  const head = ['seconds', ...checkouts, ...(checkouts.length > 1 ? ['times as fast'] : [])];
  return [`Whole commands, medians. ${machineText(machine)}`, table(head, rows)].join('\n\n');
}
