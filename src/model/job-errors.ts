// Codes of what goes wrong with a job, and what every entry of the catalogue says of its code.

export interface ErrorEntry {
  retryable: boolean;
  remedy: string;
  /** In its place while a job waits for an operator, where `retry` continues. */
  remedyWhileParked?: string;
  /** Nothing that an operator could do makes the same job succeed: it does not wait for one. */
  isFinal?: true;
  /** Every other collection of the job would fail in the same way: no more of them are started. */
  isOfCluster?: true;
  /** New keys, or a correct clock, cure it in the middle of a job: all of its work so far is valid. */
  isCuredByKeys?: true;
  /** Two sides were compared and are not equal: not a failure of the job. */
  isDifference?: true;
}

export const jobErrors = {
  InvalidInput: { retryable: false, remedy: 'Correct the input, or the command, and start again.' },
  InvalidConfig: {
    retryable: false,
    remedy: 'Correct ferry.yaml, or the environment of this process, and start again.',
  },
  UnknownAlias: {
    retryable: false,
    remedy:
      'Nothing was changed. Use one of these names, or add the missing one to ferry.yaml. If your file has it, the worker reads another one (FERRY_CONFIG, `--config`).',
  },
  ScheduleNotOurs: {
    retryable: false,
    remedy:
      'No schedule was changed. Rename the policy, or delete that schedule in the Temporal UI if nobody needs it. Of several installations in one namespace each needs an `installation` of its own in ferry.yaml.',
  },
  NotificationFailed: {
    retryable: true,
    remedy:
      'No job is affected, and the next check tries again. Fix the receiver or the command, or its entry in ferry.yaml, and test it: `ferry notify test NAME`.',
  },
  CollectionBusy: {
    retryable: false,
    remedy: 'Wait for the named job, or abort it. `onBusy: "wait"` (`--on-busy wait`) waits for it.',
  },
  LeaseLost: {
    retryable: true,
    remedy:
      'A running job retries it automatically: the next attempt continues from the last acknowledged heartbeat.',
  },
  SliceStalled: {
    retryable: false,
    remedy:
      'Everything up to the cursor is done. Fix the cause and start the same job again, which continues with what is there.',
    remedyWhileParked: 'Everything up to the cursor is done.',
  },
  AttemptsExhausted: {
    retryable: false,
    remedy: 'Fix the cause and start the same job again.',
    remedyWhileParked: 'What else the job has finished stays finished.',
  },
  SidesDiffer: {
    retryable: false,
    isDifference: true,
    remedy:
      'Stop whatever writes to the source or the target, and start the job again. A target that was verified before, and has changed or holds more than the source, is repaired only with `deleteExtras: true` (`--delete-extras`).',
  },
  SettingsDiffer: {
    retryable: false,
    isDifference: true,
    remedy:
      'The points are equal, so no writer is the cause. Set the named settings with `PATCH /collections/{name}`, or put the values you want into `overrides`, and start the same job again, which compares. Create and delete payload indexes under `/collections/{name}/index`.',
  },
  CollectionsFailed: {
    retryable: false,
    remedy: 'Fix the error of each collection and start the same job again.',
  },
  Aborted: {
    retryable: false,
    remedy:
      'Start the same job again: a migration point by point continues from what is on the target, others begin again.',
  },
  JobNotFound: {
    retryable: false,
    remedy: "`ferry status` lists running jobs. Finished jobs are kept for Temporal's retention period.",
  },
  JobNotRunning: { retryable: false, remedy: '`ferry status` lists running jobs.' },
  TemporalRefused: {
    retryable: false,
    remedy: 'Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, and the key or certificate of this command.',
  },
  StandaloneBusy: {
    retryable: false,
    remedy: 'Wait until that command has finished, or stop it with Ctrl-C: its job is kept.',
  },
  StackFailed: {
    retryable: false,
    remedy:
      'Fix the cause and run the same command again. Where a log file is named, its last lines have the cause. `ferry stack down` ends what is left of a local stack.',
  },
  Internal: {
    retryable: false,
    remedy: 'Probably a defect of ferry. Please report it with the stack trace.',
  },
} as const satisfies Record<string, ErrorEntry>;
