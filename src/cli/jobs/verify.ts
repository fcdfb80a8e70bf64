import type { Command } from 'commander';
import { verifyCollectionsSchema } from '../../model/contracts/inputs.js';
import { addJobCommand } from './job-command.js';

export function registerVerify(program: Command): void {
  addJobCommand(program, {
    operation: 'verify',
    workflowType: 'verifyCollections',
    schema: verifyCollectionsSchema,
    example: 'ferry verify source target docs',
    summary: 'compare collections of two clusters point by point; writes nothing',
  });
}
