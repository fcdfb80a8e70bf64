// What is known of a job that does not end, and the end of it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attemptsOf } from '../support/capture-watch.js';
import { ferry, type RunningFerry } from '../support/ferry-command.js';
import type { ChaosStack } from './chaos-stack.js';

/** Status of the job, what is pending in every workflow, and the last words of the command and the workers. */
export async function stateOfEverything(
  { stack, id }: { stack: ChaosStack; id: string },
  running: RunningFerry,
): Promise<string> {
  const { stdout, stderr } = await ferry(stack, 'status', id);
  const lines = [`ferry status:\n${stdout}${stderr}`];
  for (const workflowId of await runningWorkflows(stack)) {
    const pending = await attemptsOf(stack, workflowId);
    const said = pending.map(({ what, attempt, bytes }) => `${what}, attempt ${attempt}, ${bytes} bytes`);
    lines.push(`${workflowId}: ${said.join('; ') || 'nothing pending'}`);
  }
  lines.push(`the command: ${lastOf(running.said())}`);
  for (const name of ['far', 'near', 'control'] as const) {
    const role = name === 'control' ? name : 'data';
    const log = await readFile(join(stack.folder, name, `worker-${role}.log`), 'utf8').catch(() => '');
    lines.push(`${name} worker: ${lastOf(log)}`);
  }
  return lines.join('\n');
}

export async function terminateAll(stack: ChaosStack): Promise<void> {
  for (const workflowId of await runningWorkflows(stack))
    await stack.client.workflow
      .getHandle(workflowId)
      .terminate('the round is over')
      .catch(() => undefined);
}

async function runningWorkflows({ client }: ChaosStack): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' }))
    found.push(workflowId);
  return found;
}

const lastOf = (text: string) => text.trimEnd().split('\n').slice(-8).join('\n').slice(-2_000);
