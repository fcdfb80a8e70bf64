// Histories of real runs: their payloads, and their export as fixtures of the replay test.

import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect } from 'vitest';

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

/** Every run of a workflow, in order: a continue-as-new begins another. */
export async function historiesOf(
  client: Client,
  workflowId: string,
  firstRunId?: string,
): Promise<History[]> {
  const histories: History[] = [];
  let runId: string | undefined = firstRunId;
  do {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(history);
    runId =
      history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  } while (runId);
  return histories;
}

/** Writes the history of a workflow's runs as JSON: `file` for the first, `file` with -2, -3, … for those after it. */
export async function exportHistory(
  client: Client,
  workflowId: string,
  file: string,
  firstRunId?: string,
): Promise<string[]> {
  const histories = await historiesOf(client, workflowId, firstRunId);
  const files = histories.map((_, run) => (run === 0 ? file : file.replace(/\.json$/, `-${run + 1}.json`)));
  await mkdir(dirname(file), { recursive: true });
  for (const [run, history] of histories.entries()) {
    const anonymous = JSON.stringify(JSON.parse(historyToJSON(history)), withoutMachine);
    await writeFile(files[run]!, `${anonymous}\n`);
  }
  return files;
}

/** FERRY_EXPORT_HISTORIES names a folder for fixtures of the replay test. */
export function wantsHistories(): boolean {
  return process.env['FERRY_EXPORT_HISTORIES'] !== undefined;
}

/** Of each workflow type, and of each end it came to, the first that this test file's server has run. */
export async function exportOneOfEach(client: Client): Promise<void> {
  const folder = process.env['FERRY_EXPORT_HISTORIES'] ?? '';
  const [test = ''] = basename(expect.getState().testPath ?? '').split('.');
  const firsts = new Map<string, { workflowId: string; runId: string }>();
  for await (const { type, status, workflowId, runId } of client.workflow.list()) {
    const end = status.name.toLowerCase();
    // The newest come first.
    if (end !== 'running' && end !== 'continued_as_new')
      firsts.set(`${test}.${type}.${end}.json`, { workflowId, runId });
  }
  for (const [file, { workflowId, runId }] of firsts)
    await exportHistory(client, workflowId, join(folder, file), runId);
}

/** Ids of the child workflows that a history started, with their run. */
export function childrenOf(history: History): { workflowId: string; runId: string }[] {
  const started = (history.events ?? []).map((event) => event.childWorkflowExecutionStartedEventAttributes);
  return started.flatMap((child) => {
    const { workflowId, runId } = child?.workflowExecution ?? {};
    return workflowId && runId ? [{ workflowId, runId }] : [];
  });
}

/** The size of every payload, wherever it stands in a history. */
export function payloadSizes(value: unknown): number[] {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return [];
  const { metadata, data } = value as { metadata?: unknown; data?: unknown };
  if (metadata && ArrayBuffer.isView(data)) return [data.byteLength];
  return Object.values(value).flatMap(payloadSizes);
}

/** A fixture tells nothing of the machine it was made on. */
function withoutMachine(key: string, value: unknown): unknown {
  if (key === 'identity') return 'worker';
  if (key === 'stackTrace') return '';
  if (typeof value === 'string' && /^\d+@/.test(value)) return 'worker'; // a sticky queue
  return value;
}
