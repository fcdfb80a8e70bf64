// Which seconds, minutes, hours, days and years a calendar means: of the words and cron expressions of ferry.yaml, and of
// the ranges into which Temporal compiles them. So a calendar that somebody narrowed by hand differs from its comment.

import { DAYS_OF_WEEK, MONTHS, type CalendarSpecDescription } from '@temporalio/client';
import type { CalendarTimes, Times } from '../model/policies/times.js';

interface Field {
  name: Exclude<keyof CalendarSpecDescription, 'comment'>;
  first: number;
  last: number;
  /** Each stands for a value in a cron expression, as do its first three letters. */
  words?: readonly string[];
}

const SECOND: Field = { name: 'second', first: 0, last: 59 };
const MINUTE: Field = { name: 'minute', first: 0, last: 59 };
const HOUR: Field = { name: 'hour', first: 0, last: 23 };
const DAY_OF_MONTH: Field = { name: 'dayOfMonth', first: 1, last: 31 };
const MONTH: Field = { name: 'month', first: 1, last: 12, words: MONTHS };
/** "4/1" ends at the second Sunday. */
const DAY_OF_WEEK: Field = { name: 'dayOfWeek', first: 0, last: 7, words: DAYS_OF_WEEK };
/** Temporal's own limits. */
const YEAR: Field = { name: 'year', first: 2000, last: 2100 };

const FIVE = [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK];
const ALL = [SECOND, ...FIVE, YEAR];

const CRON_WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@hourly': '0 * * * *',
};

export type Calendar = CalendarSpecDescription;

/** Of an expression that is not understood here its comment is believed, or no `apply` would ever be content. */
export function saysThese(calendar: Calendar, times: Exclude<Times, { everySeconds: number }>): boolean {
  const meant = 'cron' in times ? cronValues(times.cron) : wordValues(times.calendar);
  if (meant === undefined) return true;
  return ALL.every((field) => isSame(meant.get(field.name), calendarValues(calendar, field)));
}

type Values = ReadonlySet<number>;
type ByField = ReadonlyMap<Field['name'], Values>;

function wordValues({ minute, hour, dayOfWeek }: CalendarTimes): ByField {
  const values = new Map(ALL.map((field) => [field.name, only(range(field.first, field.last), field)]));
  values.set('second', new Set([0])).set('minute', new Set([minute]));
  if (hour !== undefined) values.set('hour', new Set([hour]));
  if (dayOfWeek !== undefined) values.set('dayOfWeek', new Set([DAYS_OF_WEEK.indexOf(dayOfWeek)]));
  return values;
}

/** Five fields; a sixth is the year, and with a seventh the first is the second. */
function cronValues(expression: string): ByField | undefined {
  const parts = (CRON_WORDS[expression] ?? expression).split(' ');
  const fields = parts.length === 7 ? ALL : parts.length === 6 ? [...FIVE, YEAR] : FIVE;
  const values = new Map<Field['name'], Values>([
    ['second', new Set([0])],
    ['year', range(YEAR.first, YEAR.last)],
  ]);
  for (const [at, field] of fields.entries()) {
    const found = (parts[at] ?? '').split(',').map((part) => partValues(part, field));
    if (found.includes(undefined)) return undefined;
    values.set(field.name, new Set(found.flatMap((some) => [...(some ?? [])])));
  }
  return values;
}

/** "*", "5", "1-5", "MON-FRI", each also with a step: "5/20" begins at 5 and has no end of its own. */
function partValues(part: string, field: Field): Values | undefined {
  const [, from = '', to, stepText = '1'] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  const isAll = from === '*';
  const first = isAll ? field.first : numberOf(from, field);
  const open = isAll || part.includes('/') ? field.last : first;
  const last = to === undefined ? open : numberOf(to, field);
  const step = Number(stepText);
  if (first === undefined || last === undefined || step < 1) return undefined;
  return only(range(first, last, step), field);
}

function numberOf(text: string, { words = [], first }: Field): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const at = words.findIndex((word) => [word, word.slice(0, 3)].includes(text.toUpperCase()));
  return at < 0 ? undefined : at + first;
}

/** No range at all is every year. */
function calendarValues(calendar: Calendar, field: Field): Values {
  const ranges: readonly { start: unknown; end: unknown; step: number }[] = calendar[field.name];
  if (ranges.length === 0 && field === YEAR) return range(YEAR.first, YEAR.last);
  const number = (value: unknown) =>
    typeof value === 'number' ? value : (field.words ?? []).indexOf(String(value)) + field.first;
  return new Set(ranges.flatMap(({ start, end, step }) => [...range(number(start), number(end), step)]));
}

/** 7 is a Sunday too. */
function only(values: Values, field: Field): Values {
  return field === DAY_OF_WEEK ? new Set([...values].map((day) => day % 7)) : values;
}

function range(first: number, last: number, step = 1): Set<number> {
  const values = new Set<number>();
  for (let value = first; value <= last; value += step) values.add(value);
  return values;
}

function isSame(some: Values | undefined, others: Values): boolean {
  return some?.size === others.size && [...some].every((value) => others.has(value));
}
