import type { Command } from 'commander';
import { rehearseRecoverySchema } from '../../model/contracts/recovery-inputs.js';
import { addRecoveryCommand } from './job-command.js';

export function registerRehearse(program: Command): void {
  addRecoveryCommand(program, {
    operation: 'rehearse',
    workflowType: 'rehearseRecovery',
    schema: rehearseRecoverySchema,
    summary:
      'recover backups into a scratch cluster, write down the proof and the time, and remove them again',
    where: 'scratch',
  });
}
