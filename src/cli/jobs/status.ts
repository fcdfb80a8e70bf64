// `ferry status`: what runs, or how one job stands.

import type { Command } from 'commander';
import { operations, phaseText } from '../../model/operations.js';
import { indexingText } from '../../model/state/indexing.js';
import { EXIT, errorText } from '../terminal/exit-codes.js';
import { columns, count, localTime, seconds } from '../terminal/formatting.js';
import { asking } from '../terminal/keep-trying.js';
import { type GlobalOptions, outputOf, setExitCode, addExample } from '../terminal/output.js';
import { type JobDetails, type RunningJob, describeJob, runningJobs } from '../watch/job-details.js';
import { heartbeatText } from '../watch/heartbeats.js';
import { type CollectionView, attentionOf, howFar } from '../watch/job-view.js';
import { reportText } from './report-text.js';

export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .description('list running jobs, or show one job')
    .argument('[ID]', 'workflow id; all running jobs when absent');
  addExample(command, 'ferry status');
  command.action(async (id: string | undefined) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const output = outputOf(options);
    const code = await asking(options, output, async ({ temporal, ask }) => {
      if (id === undefined) {
        const jobs = await ask(() => runningJobs(temporal));
        output.result(jobs, listText(jobs));
      } else {
        const details = await ask(() => describeJob(temporal, id), id);
        output.result(details, detailsText(details));
      }
      return EXIT.done;
    });
    setExitCode(code);
  });
}

export function listText(jobs: readonly RunningJob[]): string[] {
  if (jobs.length === 0) return ['No job is running.'];
  const rows = columns(
    jobs.map((job) => [
      `${job.job === undefined ? '' : '  '}${job.workflowId}`,
      job.type,
      job.phase ?? '',
      `since ${localTime(new Date(job.startedAt))}`,
      ...(job.policy === undefined ? [] : [`policy ${job.policy}`]),
    ]),
  );
  return jobs.flatMap((job, index) => [
    rows[index] ?? '',
    ...(job.problems ?? []).map((line) => `${job.job === undefined ? '' : '  '}! ${line}`),
  ]);
}

export function detailsText(details: JobDetails): string[] {
  const rows = [
    ['workflow', details.workflowId],
    ['type', details.type],
    ...(details.policy === undefined ? [] : [['policy', details.policy]]),
    ['status', details.status.toLowerCase()],
    ['started', localTime(new Date(details.startedAt))],
    ...(details.endedAt ? [['ended', endedText(details.startedAt, details.endedAt)]] : []),
    ['link', details.link],
    ...(details.error ? [['error', errorText(details.error)]] : []),
  ];
  const problems = (details.problems ?? []).map((line) => `! ${line}`);
  return [...columns(rows), ...standing(details), ...problems];
}

function endedText(startedAt: string, endedAt: string): string {
  const took = (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000;
  return `${localTime(new Date(endedAt))}, after ${seconds(took)}`;
}

function standing(details: JobDetails): string[] {
  if (details.report) return ['', ...reportText(details.report)];
  if (details.result) return ['', ...resultText(details.result)];
  const job = details.job;
  if (job) {
    const attention = attentionOf(job, details.workflowId).map((line) => `! ${line}`);
    return [
      '',
      ...columns(job.collections.map(collectionRow), [2]),
      ...job.collections.flatMap(beats),
      ...job.collections.flatMap(indexingOf),
      ...job.collections.flatMap(warningsOf),
      ...attention,
    ];
  }
  if (details.collection)
    return [
      '',
      ...columns([collectionRow(details.collection)]),
      ...beats(details.collection),
      ...indexingOf(details.collection),
      ...warningsOf(details.collection),
    ];
  return details.status === 'RUNNING'
    ? ['', 'No control worker answers: start one (ferry worker --role control).']
    : [];
}

function resultText(result: NonNullable<JobDetails['result']>): string[] {
  const warnings = (result.warnings ?? []).map((warning) => `warning: ${warning}`);
  const notes = [...(result.reason === undefined ? [] : [result.reason]), ...warnings];
  const { points } = operations[result.operation].report;
  if (!result.proof) return [`${result.outcome}: ${count(result.points ?? 0)} ${points}`, ...notes];
  const { source, target } = result.proof;
  const sides = `source ${count(source.count)} points ${source.sum}, target ${count(target.count)} points ${target.sum}`;
  return [`${result.outcome}: ${sides}`, ...notes];
}

function warningsOf({ collection, status }: CollectionView): string[] {
  return (status?.warnings ?? []).map((warning) => `  warning: ${collection}: ${warning}`);
}

function collectionRow(view: CollectionView): string[] {
  const status = view.status;
  const phase = status ? phaseText(status.operation, status.phase) : 'starting';
  return [view.collection, view.state === 'running' ? phase : view.state, howFar(view)];
}

/** What an operator who wonders why it does not end has to know. */
function indexingOf({ status }: CollectionView): string[] {
  const { indexing } = status ?? {};
  return indexing ? [`  everything is proved; ${indexingText(indexing)}: ${indexing.reason}`] : [];
}

function beats(view: CollectionView): string[] {
  return view.heartbeats.map((beat) => `  ${heartbeatText(beat)}`);
}
