#!/usr/bin/env node
// The second composition root: the `ferry` command. It starts workflows and watches them; no logic of its own.

import { keepHeapSmall } from './worker/small-heap.js';

// By the bare words: parsing them takes imports, and then it is too late.
if (process.argv.includes('worker') && process.argv.includes('data')) keepHeapSmall();

const { createProgram, runProgram } = await import('./cli/program.js');
await runProgram(await createProgram(process.argv), process.argv);
