import type { CliContext } from '../context.js';

/** The shell calls `stackwright complete WORDS…`, which proposes the last word, one proposal a line. */
export function bashCompletion(this: CliContext): void {
  this.print(`_stackwright() {
  mapfile -t COMPREPLY < <(COMP_LINE="$COMP_LINE" stackwright complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -o default -F _stackwright stackwright`);
}
