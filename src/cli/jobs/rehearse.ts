import type { Command } from 'commander';
import { rehearseRecoverySchema } from '../../model/contracts/recovery-inputs.js';
import { addRecoveryCommand } from './job-command.js';

export function registerRehearse(program: Command): void {
  addRecoveryCommand(program, {
    operation: 'rehearse',
    workflowType: 'rehearseRecovery',
    schema: rehearseRecoverySchema,
    example: 'ferry rehearse scratch --store offsite',
    summary:
      'recover backups into a scratch cluster, record the proof and the time taken, and remove them again',
    where: 'scratch',
  });
}
