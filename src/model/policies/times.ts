// When a schedule fires, as ferry.yaml says it: "daily 02:00", "hourly", "every 6h", "weekly sun 03:00", or a cron
// expression. The words become Temporal's calendars and intervals; a cron expression is handed on as it is, and only
// what cannot be one is refused here. Temporal itself judges the rest.

export interface CalendarTimes {
  minute: number;
  /** Absent: every hour. */
  hour?: number;
  /** Absent: every day. */
  dayOfWeek?: DayOfWeek;
}

export type Times = { text: string } & (
  | { calendar: CalendarTimes; intervalSeconds: number }
  /** Counted from 1970-01-01T00:00Z, so "every 6h" is 00:00, 06:00, 12:00 and 18:00 UTC. */
  | { everySeconds: number; intervalSeconds: number }
  | { cron: string }
);

const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;
export type DayOfWeek = (typeof DAYS)[number];

const HOUR = 3_600;
const DAY = 24 * HOUR;
const UNITS = { s: 1, m: 60, h: HOUR, d: DAY } as const;

export const TIMES_FORMS =
  '"hourly", "hourly :30", "daily 02:00", "weekly sun 03:00", "every 6h", or a cron expression';

/** Undefined for what is none of the forms. */
export function parseTimes(text: string): Times | undefined {
  const words = text.trim().replace(/\s+/g, ' ');
  return calendarOf(words) ?? everyOf(words) ?? cronOf(words);
}

function calendarOf(text: string): Times | undefined {
  const hourly = /^hourly(?: :(\d\d))?$/i.exec(text);
  if (hourly) return inCalendar(text, { minute: Number(hourly[1] ?? 0) }, HOUR);
  const daily = /^daily (\d?\d):(\d\d)$/i.exec(text);
  if (daily) return inCalendar(text, { hour: Number(daily[1]), minute: Number(daily[2]) }, DAY);
  const [, name = '', hour, minute] = /^weekly ([a-z]{3,9}) (\d?\d):(\d\d)$/i.exec(text) ?? [];
  const dayOfWeek = DAYS.find((day) => day === name.toUpperCase() || day.slice(0, 3) === name.toUpperCase());
  if (dayOfWeek === undefined) return undefined;
  return inCalendar(text, { dayOfWeek, hour: Number(hour), minute: Number(minute) }, 7 * DAY);
}

function inCalendar(text: string, calendar: CalendarTimes, intervalSeconds: number): Times | undefined {
  const isTime = calendar.minute < 60 && (calendar.hour ?? 0) < 24;
  return isTime ? { text, calendar, intervalSeconds } : undefined;
}

function everyOf(text: string): Times | undefined {
  const seconds = /^every /i.test(text) ? parseDuration(text.slice('every '.length)) : undefined;
  if (seconds === undefined || seconds < 60) return undefined;
  return { text, everySeconds: seconds, intervalSeconds: seconds };
}

/** What Temporal takes: five fields, six with a year, seven with seconds before them; or a word. */
function cronOf(text: string): Times | undefined {
  const isWord = /^@(yearly|monthly|weekly|daily|hourly)$/.test(text);
  const field = '[0-9A-Za-z*/,?-]+';
  const isFields = new RegExp(`^[0-9*]\\S*( ${field}){4,6}$`).test(text) && /^[0-9A-Za-z*/,? -]+$/.test(text);
  return isWord || isFields ? { text, cron: text } : undefined;
}

/** "90s", "15m", "6h", "2d"; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})(s|m|h|d)$/i.exec(text.trim()) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  return Number(count) * UNITS[unit.toLowerCase() as keyof typeof UNITS];
}

/** In the largest unit that leaves no fraction: "90s", "6h". */
export function durationText(seconds: number): string {
  const [unit, size] = Object.entries(UNITS)
    .reverse()
    .find(([, size]) => seconds > 0 && seconds % size === 0) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}
