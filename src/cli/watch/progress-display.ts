// Shows a job's progress on stderr: a bar on a terminal, a line every few seconds otherwise.

import { SingleBar } from 'cli-progress';
import { count, rate, seconds } from '../terminal/formatting.js';
import type { Output } from '../terminal/output.js';
import type { Progress } from './job-view.js';

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

const WINDOW_MS = 15_000;

export interface Sample {
  at: number;
  done: number;
}

/** Keeps what speed is measured by: the looks of the last 15 s at this phase, and one before them. */
export function keepSamples(samples: readonly Sample[], next: Sample): Sample[] {
  const last = samples.at(-1);
  if (last && next.done < last.done) return [next];
  const kept = samples.filter((sample) => sample.at >= next.at - WINDOW_MS);
  const before = samples[samples.length - kept.length - 1];
  return before ? [before, ...kept, next] : [...kept, next];
}

export function speedOf(samples: readonly Sample[]): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || last.at - first.at < 1_500 || last.done <= first.done) return undefined;
  return ((last.done - first.done) * 1_000) / (last.at - first.at);
}

export function secondsLeft(progress: Progress, speed: number | undefined): number | undefined {
  return speed === undefined ? undefined : (progress.total - progress.done) / speed;
}

/** "22,500 of 50,000 points  4,012 points/s  7 s left" */
export function figures(progress: Progress, speed: number | undefined): string {
  if (progress.total === 0) return '';
  const parts = [`${count(progress.done)} of ${count(progress.total)} ${progress.unit ?? 'points'}`];
  if (progress.unit !== undefined) return parts.join('');
  if (speed !== undefined) parts.push(rate(speed));
  const left = secondsLeft(progress, speed);
  if (left !== undefined && left >= 1) parts.push(`${seconds(Math.ceil(left))} left`);
  return parts.join('  ');
}

export function percent(progress: Progress): number {
  return progress.total === 0 ? 0 : Math.floor((progress.done / progress.total) * 100);
}

/** The line where there is no terminal to draw a bar on. */
export function progressLine(progress: Progress, speed: number | undefined): string {
  const head = progress.label ? `${progress.phase} ${progress.label}` : progress.phase;
  if (progress.total === 0) return head;
  if (progress.done === 0) return `${head}: ${count(progress.total)} ${progress.unit ?? 'points'}`;
  return `${head}: ${percent(progress)} %  ${figures(progress, speed)}`;
}

const ELAPSED_EVERY_MS = 10_000;
/** Shorter work needs no word. */
const QUIET_MS = 1_500;

export interface ElapsedDisplay {
  show(what: string): void;
  /** A line that stays. */
  say(line: string): void;
  stop(): void;
}

export function createElapsedDisplay(output: Output): ElapsedDisplay {
  const began = Date.now();
  let shown = '';
  let shownAt = 0;
  let width = 0;
  const wipe = () => {
    if (width > 0) process.stderr.write(`\r${' '.repeat(width)}\r`);
    width = 0;
  };
  const show = (what: string) => {
    const now = Date.now();
    if (now - began < QUIET_MS) return;
    const line = `${what === '' ? 'waiting' : what}: ${seconds(Math.round((now - began) / 1_000))}`;
    if (output.terminal) {
      wipe();
      process.stderr.write(line);
      width = line.length;
    } else if (what !== shown || now - shownAt >= ELAPSED_EVERY_MS) {
      output.say(line);
      shownAt = now;
    }
    shown = what;
  };
  const say = (line: string) => {
    wipe();
    output.say(line);
  };
  return { show, say, stop: wipe };
}
