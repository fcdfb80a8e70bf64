// A real Temporal server and a worker for the tests of a file, with activities replaced by those over FakeClusters.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { WorkflowFailedError } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  bundleWorkflowCode,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { CollectionStatus } from '../../src/model/contracts/results.js';
import { SEARCH_ATTRIBUTES } from '../../src/model/names.js';
import { findBinary } from '../../src/local/binaries.js';
import { FakeClusters, type Call } from './fake-clusters.js';
import { childrenOf, exportHistory, historiesOf, payloadSizes } from './histories.js';

const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));
const COUNT_JOBS = fileURLToPath(new URL('../../src/workflows/runtime/count-jobs.ts', import.meta.url));

Runtime.install({ logger: new DefaultLogger('ERROR') });

export class WorkflowLab {
  readonly env: TestWorkflowEnvironment;
  readonly bundle: WorkflowBundleWithSourceMap;

  private readonly queue = `test-${randomUUID()}`;
  private readonly runs = new Set<Run>();
  private worker: Promise<Worker> | undefined;
  private ended: Promise<void> | undefined;

  private constructor(env: TestWorkflowEnvironment, bundle: WorkflowBundleWithSourceMap) {
    this.env = env;
    this.bundle = bundle;
  }

  static async open(): Promise<WorkflowLab> {
    const path = await findBinary('temporal');
    const searchAttribute = Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]);
    const env = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        extraArgs: searchAttribute,
        log: { format: 'json', level: 'error' },
      },
    });
    return new WorkflowLab(
      env,
      await bundleWorkflowCode({
        workflowsPath: WORKFLOWS,
        workflowInterceptorModules: [COUNT_JOBS],
        logger: new DefaultLogger('ERROR'),
      }),
    );
  }

  async close(): Promise<void> {
    (await this.worker)?.shutdown();
    await this.ended;
    await this.env.teardown();
  }

  /** Runs `body` with clusters of its own. One worker serves all tests of a file: starting one takes a second. */
  async withClusters<T>(body: (run: Run) => Promise<T>): Promise<T> {
    await (this.worker ??= this.startWorker());
    const run = new Run(this, this.queue, new FakeClusters(this.queue));
    this.runs.add(run);
    try {
      const result = await body(run);
      await run.inspect();
      return result;
    } finally {
      this.runs.delete(run);
    }
  }

  private async startWorker(): Promise<Worker> {
    const names = Object.keys(new FakeClusters(this.queue).activities());
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: this.queue,
      workflowBundle: this.bundle,
      activities: Object.fromEntries(names.map((name) => [name, this.dispatch(name)])),
      // Cancellation reaches an activity at its next heartbeat that is sent.
      maxHeartbeatThrottleInterval: '100ms',
      shutdownGraceTime: '1s',
      shutdownForceTime: '5s',
    });
    this.ended = worker.run();
    return worker;
  }

  /** To the clusters of the test whose workflow asks. */
  private dispatch(name: string) {
    return async (input: unknown) => {
      const { workflowId } = Context.current().info.workflowExecution!;
      const run = [...this.runs].find(({ key }) => workflowId.includes(key));
      if (!run) throw ApplicationFailure.nonRetryable(`${workflowId} is of no running test`);
      return run.activities[name]!(input);
    };
  }
}

/** One test's queue, clusters and unique aliases: the server is shared, and locks are by alias. */
export class Run {
  readonly lab: WorkflowLab;
  readonly queue: string;
  readonly fakes: FakeClusters;
  /** In the id of every workflow of this test. */
  readonly key = randomUUID().slice(0, 8);
  readonly a = `a-${this.key}`;
  readonly b = `b-${this.key}`;
  readonly activities: Record<string, (input: unknown) => Promise<unknown>>;
  private fixture: string | undefined;
  readonly started: WorkflowHandleWithFirstExecutionRunId[] = [];

  constructor(lab: WorkflowLab, queue: string, fakes: FakeClusters) {
    this.lab = lab;
    this.queue = queue;
    this.fakes = fakes;
    this.activities = fakes.activities() as never;
    fakes.clusters[this.a] = {};
    fakes.clusters[this.b] = {};
  }

  async start(workflow: string, input: Record<string, unknown>, workflowId?: string) {
    return this.startWith(workflow, { source: this.a, target: this.b, ...input }, workflowId);
  }

  private async startWith(
    workflow: string,
    input: object,
    workflowId = `job-${this.key}-${this.started.length}`,
  ) {
    const args = [input];
    const handle = await this.lab.env.client.workflow.start(workflow, {
      taskQueue: this.queue,
      workflowId,
      args,
    });
    this.started.push(handle);
    return handle;
  }

  async migrate(input: Record<string, unknown> = {}) {
    return this.start('scrollMigration', input);
  }

  async backUp(input: Record<string, unknown> = {}) {
    return this.startWith('fullBackup', { cluster: this.a, ...input });
  }

  async increment(input: Record<string, unknown> = {}) {
    return this.startWith('incrementalBackup', { cluster: this.a, ...input });
  }

  async recover(input: Record<string, unknown> = {}) {
    return this.startWith('disasterRecovery', { target: this.b, ...input });
  }

  async rehearse(input: Record<string, unknown> = {}) {
    return this.startWith('rehearseRecovery', { scratch: this.b, ...input });
  }

  /** Makes this run a fixture of the replay test, when histories are exported. */
  record(name: string): void {
    this.fixture = name;
  }

  /** Every payload in the histories of this run is small. FERRY_EXPORT_HISTORIES names a folder for its fixtures. */
  async inspect(): Promise<void> {
    const { client } = this.lab.env;
    const folder = process.env['FERRY_EXPORT_HISTORIES'];
    for (const job of this.started) {
      const first = { workflowId: job.workflowId, runId: job.firstExecutionRunId };
      const children = (await historiesOf(client, first.workflowId, first.runId)).flatMap(childrenOf);
      for (const { workflowId, runId } of [first, ...children]) {
        for (const history of await historiesOf(client, workflowId, runId)) {
          expect(Math.max(0, ...payloadSizes(history))).toBeLessThan(16 * 1024);
        }
      }
      if (folder && this.fixture)
        await this.export(join(folder, this.fixture), [first, ...children.slice(0, 2)]);
    }
  }

  private async export(stem: string, workflows: { workflowId: string; runId: string }[]): Promise<void> {
    for (const [position, { workflowId, runId }] of workflows.entries()) {
      const file = `${stem}.${position === 0 ? 'job' : `collection-${position}`}.json`;
      await exportHistory(this.lab.env.client, workflowId, file, runId);
    }
  }

  child(collection = 'docs') {
    return this.lab.env.client.workflow.getHandle(`ferry/${this.b}/${collection}`);
  }

  /** For a child whose id is not known before: a rehearsal's has the time in its name. */
  async onlyChildOf(job: WorkflowHandle): Promise<WorkflowHandle> {
    const [child] = childrenOf(await job.fetchHistory());
    if (!child) throw new Error(`${job.workflowId} has started no child`);
    return this.lab.env.client.workflow.getHandle(child.workflowId);
  }

  /** The child of a backup, whose id is another lock. */
  capture(collection = 'docs') {
    return this.lab.env.client.workflow.getHandle(`ferry/${this.a}/${collection}/backup`);
  }

  status(collection = 'docs'): Promise<CollectionStatus> {
    return this.child(collection).query<CollectionStatus>('status');
  }

  /** Activities in the order of their calls. */
  names(): string[] {
    return this.fakes.calls.map(({ name }) => name);
  }

  /** Each of them was called, for the first time after the one before it. */
  expectOrder(...names: Call['name'][]): void {
    const first = names.map((name) => ({ name, at: this.names().indexOf(name) }));
    expect(first.filter(({ at }) => at === -1)).toEqual([]);
    expect(first.sort((a, b) => a.at - b.at).map(({ name }) => name)).toEqual(names);
  }

  /** A command of the job has reached the collection, to which it goes as a signal. */
  async hasSignal(child: WorkflowHandle): Promise<boolean> {
    const { events } = await child.fetchHistory();
    return events?.some((event) => event.workflowExecutionSignaledEventAttributes) ?? false;
  }

  /** What the Temporal UI shows under the collection's workflow. */
  details(collection = 'docs'): Promise<string> {
    return this.child(collection)
      .query<{ currentDetails?: string }>('__temporal_workflow_metadata')
      .then((metadata) => metadata.currentDetails ?? '');
  }

  source(collection = 'docs') {
    return this.fakes.points({ cluster: this.a, collection });
  }

  target(collection = 'docs') {
    return this.fakes.points({ cluster: this.b, collection });
  }
}

/** Asks until the answer is yes. */
export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (;;) {
    try {
      if (await what()) return;
    } catch {
      // not there yet
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export function statusOf(child: WorkflowHandle): Promise<CollectionStatus> {
  return child.query<CollectionStatus>('status');
}

/** The failure that a job ends with. */
export async function failureOf(job: { result(): Promise<unknown> }): Promise<ApplicationFailure> {
  const error = await job.result().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  const { cause } = error as WorkflowFailedError;
  expect(cause).toBeInstanceOf(ApplicationFailure);
  return cause as ApplicationFailure;
}
