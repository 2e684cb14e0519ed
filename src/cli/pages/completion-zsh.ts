// The completions of zsh. Pure.
import type { Command } from 'commander';
import { MISREAD, wantedFunction } from './completion-words.js';

/**
 * `compadd` takes names as they are and quotes what it inserts. The `compgen` of bashcompinit would expand each as a pattern, whose qualifiers may
 * run code.
 */
export function inZsh(program: Command, name: string): string {
  const own = `_${name.replaceAll('-', '_')}`;
  return `#compdef ${name}
${wantedFunction(program, own)}

${own}() {
  local what= list=
  local -a names
  ${own}_wanted "$PREFIX" "\${(@Q)words[2,CURRENT-1]}"
  case $what in
  words) compadd -- \${=list} ;;
  sources)
    names=(\${(f)"$(${name} sources -o name -q 2>/dev/null)"})
    compadd -- "\${(@)names:#(${MISREAD})}" ;;
  jobs)
    names=(\${(f)"$(${name} jobs -o name -q --source "$list" 2>/dev/null)"})
    names=("\${(@)names#* }")
    compadd -- "\${(@)names:#(${MISREAD})}" ;;
  files) _files ;;
  esac
}

# Read from a folder of completions it is called at once; sourced, it is made known.
if (( \${+compstate} )); then ${own} "$@"; else compdef ${own} ${name}; fi
`;
}
