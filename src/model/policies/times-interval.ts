// How far apart the times of a schedule are, and whether it has any. What a cron expression means, Temporal decides; this only
// judges what is late, and what never comes. An expression that is not understood here has no interval, and is no error.

import { Cron } from 'croner';
import type { Times } from './times.js';

/** A fixed Friday: the same expression has the same interval whenever it is asked, and a weekend comes soon. */
const FROM = new Date('2028-01-07T15:00:00Z');
const UNTIL_MS = Date.parse('2030-01-07T15:00:00Z');
/** Beyond the weekend for each minute of working hours, and beyond a year for each day. */
const MOST_TIMES = 400;

/** The longest pause between two of its times, in seconds; undefined where it is not known. */
export function timesInterval(times: Times): number | undefined {
  if (!('cron' in times)) return times.intervalSeconds;
  if (!known.has(times.cron)) known.set(times.cron, cronInterval(times.cron));
  return known.get(times.cron);
}

/** Finding out takes a tenth of a second, and every reading of ferry.yaml asks. */
const known = new Map<string, number | undefined>();

/** False for 30 February, and for a year that is over. */
export function comesDue(times: Times, after: Date): boolean {
  const cron = 'cron' in times ? parsed(times.cron) : undefined;
  return cron === undefined || cron.nextRun(after) !== null;
}

/** The years that an expression is limited to say nothing of how far apart its times are. */
function cronInterval(expression: string): number | undefined {
  const cron = parsed(expression.split(' ').length === 6 ? expression.replace(/ \S+$/, '') : expression);
  let [longestMs, before] = [0, cron?.nextRun(FROM)?.getTime()];
  for (let times = 1; cron && before !== undefined && times < MOST_TIMES; times++) {
    const next = cron.nextRun(new Date(before))?.getTime();
    if (next === undefined || next > UNTIL_MS) break;
    [longestMs, before] = [Math.max(longestMs, next - before), next];
  }
  return longestMs === 0 ? undefined : longestMs / 1_000;
}

/** As Temporal reads it: a sixth field is the year, a seventh comes first and is the second; days have to match both fields. */
function parsed(expression: string): Cron | undefined {
  const isWithYear = expression.split(' ').length === 6;
  const options = { utcOffset: 0, paused: true, domAndDow: true, sloppyRanges: true };
  try {
    return new Cron(isWithYear ? `0 ${expression}` : expression, options);
  } catch {
    return undefined;
  }
}
