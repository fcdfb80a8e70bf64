// The words of `ferry policies`: what changes, and how the schedules stand.

import type { FieldChange, ScheduleChange } from '../../policies/plan-changes.js';
import { columns, localTime, plural } from '../terminal/formatting.js';
import type { ListedSchedule } from './listed-schedules.js';

const VERBS = {
  planned: { create: 'create', change: 'change', pause: 'pause', remove: 'remove' },
  done: { create: 'created', change: 'changed', pause: 'paused', remove: 'removed' },
} as const;

export function changesText(changes: readonly ScheduleChange[], tense: 'planned' | 'done'): string[] {
  const verbs = VERBS[tense];
  const lines = changes.flatMap((change) => {
    if (change.do === 'nothing') return [];
    return [`${verbs[change.do]} ${change.scheduleId}`, ...below(change)];
  });
  if (changes.length === 0)
    return ['Nothing to do: ferry.yaml has no `policies`, and Temporal no schedules of this installation.'];
  const same = changes.filter((change) => change.do === 'nothing');
  const paused = same.filter((change) => change.do === 'nothing' && change.paused).length;
  const held = paused === 0 ? '' : `, ${paused} of them paused`;
  return [...lines, ...(same.length === 0 ? [] : [`${plural(same.length, 'schedule')} unchanged${held}`])];
}

function below(change: ScheduleChange): string[] {
  if (change.do === 'create') {
    const { times, timezone, workflow, input } = change.facts;
    return [`  ${times} (${timezone}): ${workflow} ${JSON.stringify(input)}`];
  }
  if (change.do !== 'change') return [];
  const stays = change.paused ? ['  stays paused'] : [];
  return [...change.fields.map(fieldText), ...(change.resume ? ['  resumed'] : stays)];
}

function fieldText({ field, from, to }: FieldChange): string {
  return `  ${field}: ${valueText(from)} → ${valueText(to)}`;
}

function valueText(value: unknown): string {
  if (value === undefined) return '(none)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function listText(schedules: readonly ListedSchedule[]): string[] {
  if (schedules.length === 0)
    return [
      'Temporal has no schedules of this installation. `ferry policies apply` creates those of `policies` in ferry.yaml.',
    ];
  const head = ['POLICY', 'CLUSTER', 'JOB', 'TIMES', 'NEXT', 'LAST', 'RUNS', 'SKIPPED', 'MISSED', ''];
  return columns([head, ...schedules.map(row)], [6, 7, 8]);
}

function row(one: ListedSchedule): string[] {
  const { policy, cluster, job, times, next, last, runs, skipped, missed, paused, note } = one;
  const nextText = next === undefined ? 'never' : localTime(new Date(next));
  const lastText =
    last === undefined
      ? 'never'
      : `${localTime(new Date(last.at))} ${last.status?.toLowerCase() ?? 'not kept'}`;
  return [
    ...[policy, cluster, job, times, paused ? 'paused' : nextText, lastText],
    ...[runs, skipped, missed].map(String),
    paused ? (note ?? '') : '',
  ];
}
