import type { Command } from 'commander';
import { disasterRecoverySchema } from '../../model/contracts/recovery-inputs.js';
import { addRecoveryCommand } from './job-command.js';

export function registerRestore(program: Command): void {
  addRecoveryCommand(program, {
    operation: 'restore',
    workflowType: 'disasterRecovery',
    schema: disasterRecoverySchema,
    example: 'ferry restore target docs --store offsite --on-existing swap',
    summary: 'recover collections from a store into a cluster and verify their content',
    where: 'target',
  });
}
