import type { Command } from 'commander';
import { disasterRecoverySchema } from '../../model/contracts/recovery-inputs.js';
import { addRecoveryCommand } from './job-command.js';

export function registerRestore(program: Command): void {
  addRecoveryCommand(program, {
    operation: 'restore',
    workflowType: 'disasterRecovery',
    schema: disasterRecoverySchema,
    summary: 'recover collections from a store into a cluster, and prove what can be proved',
    where: 'target',
  });
}
