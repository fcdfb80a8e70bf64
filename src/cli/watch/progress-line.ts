// Speed and time left from successive looks at a job, and the line that shows them. Pure: the clock is handed in.

import { count, rate, seconds } from '../terminal/formatting.js';
import type { Progress } from './job-view.js';

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
