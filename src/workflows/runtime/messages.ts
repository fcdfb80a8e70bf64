// Names of queries and signals, and how search attributes are set. They are scarce and each costs an event: callers set
// them on a change of phase only, and never where the configuration switches them off.

import { defineQuery, defineSignal, upsertSearchAttributes } from '@temporalio/workflow';
import type { SEARCH_ATTRIBUTES } from '../../model/names.js';
import type { CollectionLine, CollectionStatus, JobStatus } from '../../model/contracts/results.js';

export const collectionStatusQuery = defineQuery<CollectionStatus>('status');
export const jobStatusQuery = defineQuery<JobStatus>('status');
export const failuresQuery = defineQuery<CollectionLine[]>('failures');

/** A collection tells its job that it waits for an operator, or (without `reason`) that it no longer does. */
export interface Attention {
  collection: string;
  reason?: string;
}
export const attentionSignal = defineSignal<[Attention]>('attention');

export type Attributes = Partial<Record<keyof typeof SEARCH_ATTRIBUTES, string>>;

export function showAttributes(attributes: Attributes): void {
  const pairs = Object.entries(attributes).map(([name, value]) => ({
    key: { name, type: 'KEYWORD' as const },
    value,
  }));
  upsertSearchAttributes(pairs);
}
