// The hours, days, weeks, months and years of which retention keeps the last backup, in any timezone. Promises that an hour
// which the clock repeats is two, and that a week belongs to one year.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const NAME_OF = {
  keepHourly: (local: Date) => `${dayText(local)} ${local.toISOString().slice(11, 13)}:00`,
  keepDaily: dayText,
  keepWeekly: weekText,
  keepMonthly: (local: Date) => dayText(local).slice(0, -3),
  keepYearly: (local: Date) => dayText(local).slice(0, -6),
} as const;

export type PeriodRule = keyof typeof NAME_OF;
export const PERIOD_RULES = Object.keys(NAME_OF) as PeriodRule[];

export interface Period {
  /** As a person says it: "2026-11-27", "2026-W48". */
  name: string;
  /** Differs where two periods have the same name. */
  id: string;
}

/** Of an IANA name. */
export function periodsIn(timezone: string | undefined): (rule: PeriodRule, time: number) => Period {
  const offsetOf = offsetsOf(timezone);
  return (rule, time) => {
    const offset = offsetOf(time);
    const name = NAME_OF[rule](new Date(time + offset));
    // The hour that is repeated at the end of summer time is two hours.
    return { name, id: rule === 'keepHourly' ? `${name} ${offset}` : name };
  };
}

/** "2026-11-27"; the sign and six digits before the year 0 and after 9999 do no harm. */
function dayText(local: Date): string {
  const iso = local.toISOString();
  return iso.slice(0, iso.indexOf('T'));
}

/** ISO 8601: a week belongs to the year of its Thursday. */
function weekText(local: Date): string {
  const sinceMonday = (local.getUTCDay() + 6) % 7;
  const thursday = new Date(local.getTime() + (3 - sinceMonday) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** Offsets change at quarters of an hour at the most, so one question for each of them is enough. */
function offsetsOf(timezone = 'UTC'): (time: number) => number {
  if (timezone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  const known = new Map<number, number>();
  return (time) => {
    const quarter = Math.floor(time / (HOUR_MS / 4));
    const offset = known.get(quarter) ?? offsetIn(format, time);
    known.set(quarter, offset);
    return offset;
  };
}

/** "GMT", "GMT+02:00", "GMT-00:25:21" */
function offsetIn(format: Intl.DateTimeFormat, time: number): number {
  const text = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes, seconds = 0] = /([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text) ?? [];
  if (sign === undefined) return 0;
  const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  return sign === '-' ? -offset : offset;
}
