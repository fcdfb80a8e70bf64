// Which policy's schedule started this workflow: the schedule leaves it in the memo.

import { workflowInfo } from '@temporalio/workflow';
import { policyInMemo } from '../../model/policies/memo.js';

export function scheduledBy(): { policy: string } | undefined {
  return policyInMemo(workflowInfo().memo);
}
