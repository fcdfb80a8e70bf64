import type { Command } from 'commander';
import { verifyCollectionsSchema } from '../../model/contracts/inputs.js';
import { addJobCommand } from './job-command.js';

export function registerVerify(program: Command): void {
  addJobCommand(program, {
    operation: 'verify',
    workflowType: 'verifyCollections',
    schema: verifyCollectionsSchema,
    summary: 'compare collections of two clusters, point for point; writes nothing',
  });
}
