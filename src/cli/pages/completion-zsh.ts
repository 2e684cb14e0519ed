// The completions of zsh. Pure.
import type { Command } from 'commander';
import { askFunction, MISREAD, wantedFunction } from './completion-words.js';

/**
 * `compadd` takes names as they are and quotes what it inserts. The `compgen` of bashcompinit would expand each as a pattern, whose qualifiers may
 * run code.
 */
export function inZsh(program: Command, name: string): string {
  const own = `_${name.replaceAll('-', '_')}`;
  return `#compdef ${name}
${wantedFunction(program, own)}

${askFunction(own, name)}

${own}() {
  local what= list= url= token=
  local -a names
  ${own}_wanted "$PREFIX" "\${(@Q)words[2,CURRENT-1]}"
  case $what in
  words) compadd -- \${=list} ;;
  sources)
    names=(\${(f)"$(${own}_ask sources)"})
    compadd -- "\${(@)names:#(${MISREAD})}" ;;
  jobs)
    names=(\${(f)"$(${own}_ask jobs --source "$list")"})
    names=("\${(@)names#* }")
    compadd -- "\${(@)names:#(${MISREAD})}" ;;
  files) _files ;;
  esac
}

# Read from a folder of completions it is called at once; sourced, it is made known.
if (( \${+compstate} )); then ${own} "$@"; else compdef ${own} ${name}; fi
`;
}
