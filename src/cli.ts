#!/usr/bin/env node
// The second composition root: the `ferry` command. It starts workflows and watches them; no logic of its own.

import { createProgram, runProgram } from './cli/program.js';

await runProgram(createProgram(), process.argv);
