// Shows a job's progress on stderr: a bar on a terminal, a line every few seconds otherwise.

import { SingleBar } from 'cli-progress';
import type { Progress } from './job-view.js';
import type { Output } from '../terminal/output.js';
import { figures, keepSamples, percent, progressLine, speedOf, type Sample } from './progress-line.js';

const LINE_EVERY_MS = 5_000;
/** To look costs Temporal and the control worker a query for each collection that runs. */
const LOOK_EVERY_MS = { bar: 700, lines: 2_500 };

export interface ProgressDisplay {
  /** How often there is any use in something new. */
  readonly lookEveryMs: number;
  show(progress: Progress): void;
  /** A line that stays, above the bar. */
  say(line: string): void;
  stop(): void;
}

export function createProgressDisplay(output: Output): ProgressDisplay {
  return output.terminal ? barDisplay(output) : lineDisplay(output);
}

function createSpeedometer(): (progress: Progress, at: number) => number | undefined {
  let samples: Sample[] = [];
  let of = '';
  return (progress, at) => {
    const subject = `${progress.phase} ${progress.label}`;
    if (subject !== of) samples = [];
    of = subject;
    samples = keepSamples(samples, { at, done: progress.done });
    return speedOf(samples);
  };
}

function lineDisplay(output: Output): ProgressDisplay {
  const speedometer = createSpeedometer();
  let lastAt = 0;
  let lastSubject = '';
  return {
    lookEveryMs: LOOK_EVERY_MS.lines,
    show(progress) {
      const now = Date.now();
      const speed = speedometer(progress, now);
      const subject = `${progress.phase} ${progress.label}`;
      if (subject === lastSubject && now - lastAt < LINE_EVERY_MS) return;
      lastSubject = subject;
      lastAt = now;
      output.say(progressLine(progress, speed));
    },
    say: (line) => output.say(line),
    stop: () => undefined,
  };
}

function barDisplay(output: Output): ProgressDisplay {
  const speedometer = createSpeedometer();
  let bar: SingleBar | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    lookEveryMs: LOOK_EVERY_MS.bar,
    show(progress) {
      const fields = {
        head: progress.label ? `${progress.phase} ${progress.label}` : progress.phase,
        share: `${String(percent(progress)).padStart(3)} %`,
        figures: figures(progress, speedometer(progress, Date.now())),
      };
      if (!bar) {
        bar = newBar();
        bar.start(Math.max(1, progress.total), progress.done, fields);
      }
      bar.setTotal(Math.max(1, progress.total));
      bar.update(progress.done, fields);
    },
    say(line) {
      stop();
      output.say(line);
    },
    stop,
  };
}

function newBar(): SingleBar {
  const roomy = (process.stderr.columns ?? 80) >= 110;
  return new SingleBar({
    format: '   {bar} {share}  {head}  {figures}',
    barsize: roomy ? 28 : 14,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    emptyOnZero: true,
    gracefulExit: false,
    fps: 8,
  });
}
