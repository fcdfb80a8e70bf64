import type { Command } from 'commander';
import * as z from 'zod';
import { scrollMigrationSchema } from '../../model/contracts/inputs.js';
import { snapshotMigrationSchema } from '../../model/contracts/move-inputs.js';
import { refuseOtherFlags } from '../terminal/input-options.js';
import { addJobCommand } from './job-command.js';

const scroll = scrollMigrationSchema.shape;
const snapshot = snapshotMigrationSchema.shape;

/** The flags of both workflows; each refuses those it does not know. */
const flags = z.strictObject({
  ...snapshot,
  ...scroll,
  method: z.enum(['scroll', ...snapshot.method.unwrap().options]).default('scroll'),
  onExisting: z
    .enum([...scroll.onExisting.unwrap().options, ...snapshot.onExisting.unwrap().options])
    .default('fail'),
  copyAliases: z.boolean().optional(),
});

export function registerMigrate(program: Command): void {
  addJobCommand(program, {
    operation: 'migrate',
    workflowType: 'scrollMigration',
    schema: flags,
    example: 'ferry migrate source target docs images --max-points-per-second 5000',
    summary: 'migrate collections to another cluster and verify every point',
    choose: (input) => {
      const { method = 'scroll', ...rest } = input;
      const chosen = method === 'scroll' ? scrollMigrationSchema : snapshotMigrationSchema;
      const why = method === 'scroll' ? 'needs `--method snapshot`' : 'needs `--method scroll`';
      refuseOtherFlags(rest, { all: flags, chosen, why });
      return method === 'scroll'
        ? { workflowType: 'scrollMigration', schema: scrollMigrationSchema, input: rest }
        : { workflowType: 'snapshotMigration', schema: snapshotMigrationSchema, input };
    },
  });
}
