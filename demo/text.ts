// The demo's words: a title for each step, and the summary.

import type { ComparedSearch } from './searches.js';
import type { DemoFigures, DemoResult } from './result.js';
import { bytes, count, rate, seconds } from '../src/cli/terminal/formatting.js';
import type { Paint } from '../src/cli/terminal/output.js';

export function stepTitle(paint: Paint, step: number, title: string, rest: string): string {
  return `\n${paint.bold(`${step}  ${title}`)}  ${paint.dim(rest)}`;
}

export interface SummaryFrame {
  paint: Paint;
  seconds: number;
  kept: boolean;
  folder: string;
}

export function demoText(result: DemoResult, frame: SummaryFrame): string[] {
  const { paint } = frame;
  const good = result.checks.every((check) => check.passed);
  const checks = result.checks.map(({ passed, claim }) =>
    passed ? `   ${paint.green('✓')} ${claim}` : `   ${paint.red('✗ NOT AS IT SHOULD BE:')} ${claim}`,
  );
  return [
    '',
    paint.bold(good ? 'Nothing was lost' : 'Something is wrong'),
    ...checks,
    ...result.searches.map(searchLine),
    '',
    ...(result.figures ? figureLines(result.figures, paint) : []),
    ...linkLines(result, frame),
    `   The whole demo took ${seconds(frame.seconds)}.`,
  ];
}

function searchLine(search: ComparedSearch): string {
  return `       "${search.text}": ${search.hits.join(', ')}`;
}

function figureLines(figures: DemoFigures, paint: Paint): string[] {
  const { copySeconds, verifySeconds } = figures;
  return [
    `   ${paint.bold(rate(figures.copyPointsPerSecond))} copied without a limit: ${count(figures.points)} points, ` +
      `${bytes(figures.bytes)}, in ${seconds(copySeconds)};`,
    `   ${paint.bold(rate(figures.pointsPerSecond))} with the proof of every point (${seconds(verifySeconds)} more).`,
    '',
  ];
}

function linkLines(result: DemoResult, { kept, folder }: SummaryFrame): string[] {
  const links = [
    '   In the Temporal UI: the migration that was killed, the one at full speed, the backup, the recovery, the way back:',
    ...Object.values(result.links).map((link) => `     ${link}`),
  ];
  if (!kept) return [...links, '   Everything is taken down now; --keep leaves it up to look around.'];
  return [
    ...links,
    `   It is still up. To use it:   export FERRY_STATE_DIR=${folder}`,
    '   To take it down:             ferry stack down',
  ];
}
