import type { Command } from 'commander';
import { scrollMigrationSchema } from '../model/inputs.js';
import { addJobCommand } from './job-command.js';

export function registerMigrate(program: Command): void {
  addJobCommand(program, {
    operation: 'migrate',
    workflowType: 'scrollMigration',
    schema: scrollMigrationSchema,
    done: 'copied',
    summary: 'move collections from one cluster to another, and prove that nothing is missing',
  });
}
