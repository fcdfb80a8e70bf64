// What the protection itself needs: disks with room, schedules that fire, queues with workers. Facts in, findings out.

import type {
  CheckBackupsInput,
  CheckedDisk,
  CheckedQueue,
  CheckedSchedule,
  Finding,
} from '../contracts/check-activities.js';
import { CONTROL_QUEUE } from '../names.js';
import { ageText, numberText } from './collections.js';

export type DiskLimits = Pick<CheckBackupsInput, 'diskWarningPercent' | 'diskCriticalPercent'>;

export interface ScheduleFacts extends CheckedSchedule {
  /** It was created, or changed last: before that nothing was due. */
  since: string;
  /** The first two times after the last action, over or not. Absent where a worker of an earlier build looked. */
  due?: string[];
}

export function judgeDisk(disk: CheckedDisk, limits: DiskLimits): Finding[] {
  const { place, host, usedPercent, freeBytes, cluster } = disk;
  const { diskWarningPercent, diskCriticalPercent } = limits;
  if (usedPercent === undefined || usedPercent <= diskWarningPercent) return [];
  const isCritical = usedPercent > diskCriticalPercent;
  const limit = isCritical ? diskCriticalPercent : diskWarningPercent;
  const where = `${place}${host === undefined ? '' : ` on ${host}`}`;
  const left = freeBytes === undefined ? '' : `, ${numberText(freeBytes / 1e9)} GB free`;
  return [
    {
      severity: isCritical ? 'critical' : 'warning',
      kind: isCritical ? 'diskNearlyFull' : 'diskFilling',
      text: `The disk of the ${where} is ${numberText(usedPercent)} % full${left}; the limit is ${numberText(limit)} %.`,
      hint: 'Enlarge it, or keep fewer backups: `ferry prune --dry-run --keep-days 30` shows what would be removed.',
      place: where,
      ...(cluster === undefined ? {} : { cluster }),
    },
  ];
}

export function judgeSchedule(schedule: ScheduleFacts, now: Date): Finding[] {
  return [...judgeTimes(schedule, now), ...judgeLastRun(schedule), ...judgeIncrements(schedule)];
}

function judgeTimes(schedule: ScheduleFacts, now: Date): Finding[] {
  const {
    schedule: id,
    paused,
    policy,
    intervalSeconds,
    running,
    lastActionAt,
    nextActionAt,
    since,
    due = [],
  } = schedule;
  const of = { schedule: id, ...(policy === undefined ? {} : { policy }) };
  if (paused)
    return [
      {
        severity: 'warning',
        kind: 'schedulePaused',
        text: `The schedule ${id} is paused: it starts nothing.`,
        hint: `Run \`ferry policies resume${policy === undefined ? '' : ` ${policy}`}\`.`,
        ...of,
      },
    ];
  if (nextActionAt === undefined)
    return [
      {
        severity: 'warning',
        kind: 'scheduleSilent',
        text: `The schedule ${id} has no time left: it starts nothing any more.`,
        hint: 'Compare it with ferry.yaml (`ferry policies diff`): its times may have ended, or somebody limited its runs in Temporal.',
        ...of,
      },
    ];
  if (intervalSeconds === undefined || now.getTime() <= silentAfterMs(due, lastActionAt ?? since)) return [];
  const every = ageText(intervalSeconds * 1_000);
  const silence = ageText(now.getTime() - Date.parse(lastActionAt ?? since));
  const [run] = running;
  const nothing =
    lastActionAt === undefined
      ? `has started nothing since it was made, ${silence} ago`
      : `has started nothing for ${silence}`;
  const what = run === undefined ? nothing : `still waits for the run ${run}, and ${nothing}`;
  return [
    {
      severity: 'warning',
      kind: 'scheduleSilent',
      text: `The schedule ${id} ${what}; its interval is ${every}, and it was due at ${due[0] ?? ''}.`,
      hint:
        run === undefined
          ? `Compare it with ferry.yaml (\`ferry policies diff\`), and see whether Temporal and the workers run (\`ferry doctor\`).`
          : `See what the run does: \`ferry status ${run}\`.`,
      ...of,
    },
  ];
}

/**
 * One interval and a half after the last action, but not before half of one has passed since the first time that no action
 * answered: a night, or a weekend, in which nothing is due is no silence, and an action by hand is as good as one that was due.
 */
function silentAfterMs(due: readonly string[], last: string): number {
  const [first, second] = due.map((time) => Date.parse(time));
  if (first === undefined || second === undefined) return Infinity;
  const interval = second - first;
  return Math.max(Date.parse(last) + 1.5 * interval, first + interval / 2);
}

/** A prune that is refused each time, or a rehearsal that ends as different, makes no backup older. */
function judgeLastRun({ schedule: id, policy, paused, failed, nextActionAt }: ScheduleFacts): Finding[] {
  if (failed === undefined || paused) return [];
  const again = nextActionAt === undefined ? '' : ` The next one is due at ${nextActionAt}.`;
  return [
    {
      severity: 'warning',
      kind: 'scheduleFailing',
      text: `The last run of the schedule ${id}, ${failed}, failed.${again}`,
      hint: `See why: \`ferry status ${failed}\`.`,
      schedule: id,
      ...(policy === undefined ? {} : { policy }),
    },
  ];
}

/** Runs that overlap are skipped, so the increments are further apart than the policy says. */
function judgeIncrements({
  schedule: id,
  policy,
  paused,
  intervalSeconds,
  increments,
}: ScheduleFacts): Finding[] {
  if (paused || intervalSeconds === undefined || increments === undefined) return [];
  const { detect, longestRunSeconds } = increments;
  if (longestRunSeconds <= intervalSeconds) return [];
  return [
    {
      severity: 'warning',
      kind: 'incrementTooSlow',
      text: slowText(id, longestRunSeconds, intervalSeconds),
      hint: slowHint(detect),
      schedule: id,
      ...(policy === undefined ? {} : { policy }),
    },
  ];
}

export function slowText(schedule: string, runSeconds: number, intervalSeconds: number): string {
  return `One of the last increments of the schedule ${schedule} took ${runSeconds} s; its interval is ${intervalSeconds} s. What is due meanwhile is skipped.`;
}

export function slowHint(detect: 'digest' | 'field'): string {
  const longer = 'Give `incremental` of the policy a longer interval';
  return detect === 'field'
    ? `${longer}.`
    : `${longer}, or \`detect: field\`, which reads only what changed.`;
}

/** Without a control worker, or without any data worker, no job runs at all. */
export function judgeQueues(queues: readonly CheckedQueue[]): Finding[] {
  const ofData = queues.filter(({ queue }) => queue !== CONTROL_QUEUE);
  const noneWorks = ofData.every(({ workers }) => workers === 0);
  return queues
    .filter(({ workers }) => workers === 0)
    .map(({ queue }) => {
      const isCritical = queue === CONTROL_QUEUE || noneWorks;
      return {
        severity: isCritical ? 'critical' : 'warning',
        kind: 'queueWithoutWorker',
        text: `No worker polls the queue ${queue}${isCritical ? ': no job runs' : ': jobs wait there'}.`,
        hint: `Start one: \`ferry worker --role ${queue === CONTROL_QUEUE ? 'control' : 'data'}\`.`,
        queue,
      };
    });
}

export function notChecked(
  what: string,
  reason: string,
  of: Partial<Pick<Finding, 'policy' | 'cluster' | 'store' | 'schedule' | 'queue' | 'place'>> = {},
): Finding {
  return {
    severity: 'warning',
    kind: 'notChecked',
    text: `${what} could not be checked: ${reason}`,
    hint: 'Run `ferry doctor`: it shows what cannot be reached, and from where.',
    ...of,
  };
}
