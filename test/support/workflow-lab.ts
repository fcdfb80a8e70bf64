// A real Temporal server and workers of the test's own, with activities replaced by those over FakeClusters.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
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
import { FakeClusters } from './fake-clusters.js';
import { childrenOf, exportHistory, historiesOf, payloadSizes } from './histories.js';

const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

Runtime.install({ logger: new DefaultLogger('ERROR') });

export class WorkflowLab {
  readonly env: TestWorkflowEnvironment;
  readonly bundle: WorkflowBundleWithSourceMap;

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
    return new WorkflowLab(env, await bundleWorkflows(WORKFLOWS));
  }

  async close(): Promise<void> {
    await this.env.teardown();
  }

  /** A worker on queues of its own, for as long as `body` runs. */
  async withClusters<T>(
    body: (run: Run) => Promise<T>,
    options: { bundle?: WorkflowBundleWithSourceMap } = {},
  ) {
    const queue = `test-${randomUUID()}`;
    const fakes = new FakeClusters(queue);
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: queue,
      workflowBundle: options.bundle ?? this.bundle,
      activities: fakes.activities(),
      // Cancellation reaches an activity at its next heartbeat that is sent.
      maxHeartbeatThrottleInterval: '100ms',
      shutdownGraceTime: '1s',
      shutdownForceTime: '5s',
    });
    const run = new Run(this, queue, fakes);
    return worker.runUntil(async () => {
      const result = await body(run);
      await run.inspect();
      return result;
    });
  }
}

export async function bundleWorkflows(workflowsPath: string): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}

/** One test's queue, clusters and unique aliases: the server is shared, and locks are by alias. */
export class Run {
  readonly lab: WorkflowLab;
  readonly queue: string;
  readonly fakes: FakeClusters;
  readonly a = `a-${randomUUID().slice(0, 8)}`;
  readonly b = `b-${randomUUID().slice(0, 8)}`;
  private fixture: string | undefined;
  readonly started: WorkflowHandleWithFirstExecutionRunId[] = [];

  constructor(lab: WorkflowLab, queue: string, fakes: FakeClusters) {
    this.lab = lab;
    this.queue = queue;
    this.fakes = fakes;
    fakes.clusters[this.a] = {};
    fakes.clusters[this.b] = {};
  }

  async start(workflow: string, input: Record<string, unknown>, workflowId = `job-${randomUUID()}`) {
    const args = [{ source: this.a, target: this.b, ...input }];
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

  status(collection = 'docs'): Promise<CollectionStatus> {
    return this.child(collection).query<CollectionStatus>('status');
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

/** The failure that a job ends with. */
export async function failureOf(job: { result(): Promise<unknown> }): Promise<ApplicationFailure> {
  const error = await job.result().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  const { cause } = error as WorkflowFailedError;
  expect(cause).toBeInstanceOf(ApplicationFailure);
  return cause as ApplicationFailure;
}
