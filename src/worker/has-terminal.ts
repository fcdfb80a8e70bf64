// Of a process with a terminal SIGHUP says that the terminal was closed; of others it has come to mean "read your files
// again". (The supervisor does not import what reads them: that is heavy.)

export function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}
