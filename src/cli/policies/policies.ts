// `ferry policies`: the schedules in Temporal that carry out the policies of ferry.yaml.

import { InvalidArgumentError, type Command } from 'commander';
import { loadConfig } from '../../config.js';
import { POLICY_JOBS, schedulesOf, type PolicyJob } from '../../model/policies/schedules.js';
import { applyChange, readSchedules, type SchedulesAt } from '../../policies/ferry-schedules.js';
import { slowIncrements } from '../../policies/measured-runs.js';
import { planChanges, requireTimesToCome, type ScheduleChange } from '../../policies/plan-changes.js';
import { existingSchedule } from '../../policies/existing-schedule.js';
import { EXIT } from '../terminal/exit-codes.js';
import { asking } from '../terminal/keep-trying.js';
import { addExample, outputOf, setExitCode, type GlobalOptions, type Output } from '../terminal/output.js';
import { isAgreed } from '../terminal/agreement.js';
import { listedSchedules } from './listed-schedules.js';
import { backfill, meant, pause, removeSchedules, resume, runNow, type Chosen } from './steer-schedules.js';
import { changesText, listText } from './policies-text.js';

interface ApplyOptions extends GlobalOptions {
  keepRemoved?: boolean;
  yes?: boolean;
}

export function registerPolicies(program: Command): void {
  const policies = program
    .command('policies')
    .description('protect collections by schedules in Temporal, as `policies` in ferry.yaml says');
  addExample(policies, 'ferry policies apply');
  registerApply(policies);
  registerList(policies);
  registerSteering(policies);
}

function registerApply(policies: Command): void {
  const diff = policies
    .command('diff')
    .description('show what `apply` would do')
    .option('--keep-removed', 'show schedules that ferry.yaml no longer has as paused, not removed');
  addExample(diff, 'ferry policies diff');
  diff.action(() =>
    act(diff, (at, output, options: ApplyOptions) => apply(at, output, { ...options, dryRun: true })),
  );
  const command = policies
    .command('apply')
    .description(
      'create, change and remove schedules in Temporal, so that they match `policies` in ferry.yaml; asks first',
    )
    .option('--keep-removed', 'pause the schedules that ferry.yaml no longer has, instead of removing them')
    .option('--yes', 'apply without asking');
  addExample(command, 'ferry policies apply --keep-removed');
  command.action(() => act(command, (at, output, options: ApplyOptions) => apply(at, output, options)));
}

interface At extends SchedulesAt {
  config: ReturnType<typeof loadConfig>;
}

/** Every one of them needs ferry.yaml: it says whose schedules are meant. */
async function act<Options extends GlobalOptions>(
  command: Command,
  work: (at: At, output: Output, options: Options) => Promise<number>,
): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const output = outputOf(options);
  const config = loadConfig(options.config);
  const { installation } = config;
  setExitCode(
    await asking(options, output, ({ temporal, ask }) =>
      work({ client: temporal.client, ask, installation, config }, output, options),
    ),
  );
}

async function apply(
  at: At,
  output: Output,
  { keepRemoved = false, yes = false, dryRun = false }: ApplyOptions & { dryRun?: boolean },
): Promise<number> {
  const { installation, config } = at;
  const { schedules, notes: ofPlan } = schedulesOf(config.policies);
  const names = schedules.map(({ scheduleId }) => scheduleId);
  const found = await readSchedules(at, names);
  const existing = found.map(existingSchedule);
  const notes = [...ofPlan, ...(await slowIncrements(at, schedules, found))];
  const changes = planChanges(schedules, existing, { installation, keepRemoved });
  const pending = changes.filter((change) => change.do !== 'nothing');
  requireTimesToCome(changes, new Date());
  const isAsked = pending.length > 0 && !dryRun && !yes && !output.json;
  if (isAsked && !(await isAgreed(output, [...changesText(changes, 'planned'), ...notes], 'Apply?'))) {
    output.result({ applied: false }, ['Nothing was changed.']);
    return EXIT.failed;
  }
  if (!dryRun) for (const change of pending) await applyChange(at, change);
  const document = { installation, applied: !dryRun, changes: changes.map(documentOf), notes };
  output.result(document, [...changesText(changes, dryRun ? 'planned' : 'done'), ...notes]);
  return EXIT.done;
}

function documentOf(change: ScheduleChange): Record<string, unknown> {
  if (change.do !== 'create' && change.do !== 'change') return { ...change };
  const { wanted, ...rest } = change;
  return { ...rest, policy: wanted.policy, cluster: wanted.cluster, job: wanted.job };
}

function registerList(policies: Command): void {
  const list = policies
    .command('list')
    .description(
      'list the schedules: next and last runs, how the last one ended, and what was skipped or missed',
    )
    .argument('[NAME]', 'only this policy');
  addExample(list, 'ferry policies list');
  list.action((name: string | undefined) =>
    act(list, async (at, output) => {
      const found = name === undefined ? await listedSchedules(at) : await meant(at, { policy: name });
      output.result(found, listText(found));
      return EXIT.done;
    }),
  );
}

function registerSteering(policies: Command): void {
  const steering: [string, string, string, (at: At, chosen: Chosen) => Promise<string[]>][] = [
    [
      'run',
      'start its jobs now; one that still runs is not started again',
      'ferry policies run production full',
      runNow,
    ],
    ['resume', 'resume its schedules', 'ferry policies resume production', resume],
    [
      'remove',
      'remove its schedules; backups and running jobs stay',
      'ferry policies remove production',
      removeSchedules,
    ],
  ];
  for (const [verb, text, example, work] of steering) {
    const command = named(policies, verb, text, example);
    command.action((policy: string, job?: PolicyJob) =>
      act(command, async (at, output) => {
        const lines = await work(at, { policy, job });
        output.result({ [verb]: lines }, lines);
        return EXIT.done;
      }),
    );
  }
  registerPause(policies);
  registerBackfill(policies);
}

function registerPause(policies: Command): void {
  const command = named(
    policies,
    'pause',
    'pause its schedules; what runs goes on',
    'ferry policies pause production --reason "upgrade of the cluster"',
  ).option('--reason <text>', 'why, for whoever finds them paused');
  command.action((policy: string, job?: PolicyJob) =>
    act(command, async (at, output, { reason }: GlobalOptions & { reason?: string }) => {
      const lines = await pause(at, { policy, job }, reason);
      output.result({ pause: lines }, lines);
      return EXIT.done;
    }),
  );
}

function registerBackfill(policies: Command): void {
  const example =
    'ferry policies backfill production full --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z';
  const command = policies
    .command('backfill')
    .description('start a job of the policy once for each of its times in a period')
    .argument('<NAME>', 'name of the policy')
    .argument('<JOB>', POLICY_JOBS.join(', '), aJob)
    .requiredOption('--from <time>', 'begin of the period, like 2026-11-28T02:00:00Z', aTime)
    .requiredOption('--to <time>', 'its end; not in the future', aTime);
  addExample(command, example);
  command.action((policy: string, job: PolicyJob) =>
    act(command, async (at, output, { from, to }: GlobalOptions & { from: Date; to: Date }) => {
      const lines = await backfill(at, { policy, job }, { from, to });
      output.result({ backfill: lines, from: from.toISOString(), to: to.toISOString() }, lines);
      return EXIT.done;
    }),
  );
}

function named(policies: Command, verb: string, text: string, example: string): Command {
  const command = policies
    .command(verb)
    .description(text)
    .argument('<NAME>', 'name of the policy')
    .argument('[JOB]', `${POLICY_JOBS.join(', ')}; all of the policy when absent`, aJob);
  return addExample(command, example);
}

function aJob(text: string): PolicyJob {
  const job = POLICY_JOBS.find((one) => one === text);
  if (job === undefined) throw new InvalidArgumentError(`A job is one of ${POLICY_JOBS.join(', ')}.`);
  return job;
}

function aTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('Not a time like 2026-11-28T02:00:00Z.');
  return time;
}
