// For a process with a terminal, SIGHUP means that the terminal was closed; for others, by convention, "reload your files".
// (The supervisor does not import what reads them: that is heavy.)

export function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}
