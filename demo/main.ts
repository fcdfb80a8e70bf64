// `npm run demo`: a migration, killed half way, and a recovery from nothing, on a stack of the demo's own.

import { Command } from 'commander';
import { runProgram } from '../src/cli/program.js';
import { addGlobalOptions, outputOf, setExitCode, type GlobalOptions } from '../src/cli/terminal/output.js';
import { runDemo } from './run-demo.js';

export async function main(argv: readonly string[]): Promise<void> {
  const program = addGlobalOptions(new Command('demo'))
    .description('run the demo: a migration whose worker is killed half way, and a recovery from nothing')
    .option('--keep', 'leave the stack up at the end')
    .exitOverride();
  program.action(async () => {
    const options = program.opts<GlobalOptions & { keep?: boolean }>();
    setExitCode(await runDemo(outputOf(options), options.keep ?? false));
  });
  await runProgram(program, argv);
}
