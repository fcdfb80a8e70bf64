// What a schedule of ours carries in its memo, and every workflow that it starts: whose it is. It is what tells our
// schedules from those of others, and of other installations.

/** The memo's only field. */
export const MEMO_FIELD = 'ferry';

export interface PolicyMemo {
  policy: string;
  installation: string;
  /** Of the policy as ferry.yaml had it: in the memo of what the schedule starts. That of a schedule cannot be changed. */
  policyHash?: string;
}

/** Undefined where somebody else made it. */
export function policyInMemo(memo: Readonly<Record<string, unknown>> | undefined): PolicyMemo | undefined {
  const ours = memo?.[MEMO_FIELD];
  if (typeof ours !== 'object' || ours === null) return undefined;
  const { policy, installation, policyHash } = ours as Record<string, unknown>;
  if (typeof policy !== 'string' || typeof installation !== 'string') return undefined;
  return { policy, installation, ...(typeof policyHash === 'string' ? { policyHash } : {}) };
}
