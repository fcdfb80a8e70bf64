// `npm run demo`: a migration, killed half way, a recovery from nothing, and a way back, on a stack of the demo's own.

import { Command } from 'commander';
import { runProgram } from '../src/cli/program.js';
import { addGlobalOptions, outputOf, setExitCode, type GlobalOptions } from '../src/cli/terminal/output.js';
import { runDemo } from './run-demo.js';

export async function main(argv: readonly string[]): Promise<void> {
  const program = addGlobalOptions(new Command('demo'))
    .description(
      'run the demo: a migration whose worker is killed half way, a recovery from nothing, and a mistake undone',
    )
    .option('--keep', 'leave the stack up at the end')
    .exitOverride();
  program.action(async () => {
    const options = program.opts<GlobalOptions & { keep?: boolean }>();
    setExitCode(await runDemo(outputOf(options), options.keep ?? false));
  });
  await runProgram(program, argv);
}
