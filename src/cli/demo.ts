import type { Command } from 'commander';
import { outputOf, setExitCode, type GlobalOptions } from './terminal/global-options.js';

export function registerDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('watch a migration, killed half way, and a recovery from nothing, on a stack of its own')
    .option('--keep', 'leave the stack up at the end');
  command.action(async () => {
    const options = command.optsWithGlobals<GlobalOptions & { keep?: boolean }>();
    const { runDemo } = await import('./run-demo.js');
    setExitCode(await runDemo(outputOf(options), options.keep ?? false));
  });
}
