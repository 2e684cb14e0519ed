// The completions of bash. Pure.
import type { Command } from 'commander';
import { askFunction, MISREAD, wantedFunction } from './completion-words.js';

/**
 * `compgen -W` expands each word again, so that a name with `$(…)` would be run: names are read as lines instead, compared as text and quoted. The
 * line is split here, since bash splits its words at colons too; readline replaces what stands after the last of those, or after an open quote.
 */
export function inBash(program: Command, name: string): string {
  const own = `_${name.replaceAll('-', '_')}`;
  return `${wantedFunction(program, own)}

${askFunction(own, name)}

${own}_split() {
  local line=\${COMP_LINE:0:COMP_POINT} char i begun= before=0
  for ((i = 0; i < \${#line}; i++)); do
    char=\${line:i:1}
    case $quote$char in
    \\'|\\") quote=$char begun=1 before=$kept kept=\${#current} ;;
    \\'\\'|\\"\\") quote= kept=$before ;;
    \\\\|\\"\\\\)
      i=$((i + 1)) begun=1
      [[ $quote && \${line:i:1} != [\\"\\\\\\$\\\`] ]] && current+=$char
      current+=\${line:i:1} ;;
    \\'*|\\"*) current+=$char ;;
    ' '|$'\\t'|$'\\n')
      [[ $begun ]] && words+=("$current")
      current= begun= kept=0 ;;
    *)
      current+=$char begun=1
      [[ $COMP_WORDBREAKS == *"$char"* ]] && kept=\${#current} ;;
    esac
  done
}

${own}_quote() {
  local char i
  if [[ -z $quote ]]; then printf -v quoted %q "$1"; return; fi
  quoted=$quote
  for ((i = 0; i < \${#1}; i++)); do
    char=\${1:i:1}
    case $quote$char in
    \\'\\') quoted+="'\\\\''" ;;
    '"!') quoted+='"\\!"' ;;
    \\"[\\"\\\\\\$\\\`]) quoted+="\\\\$char" ;;
    *) quoted+=$char ;;
    esac
  done
  quoted+=$quote
}

${own}_offer() {
  local each quoted
  while IFS= read -r each; do
    [[ $1 ]] && each=\${each#* }
    [[ \${each:0:\${#current}} == "$current" ]] || continue
    case $each in '') continue ;; ${MISREAD}) [[ $what == words ]] || continue ;; esac
    ${own}_quote "\${each:kept}"
    COMPREPLY+=("$quoted")
  done
}

${own}() {
  local IFS=$' \\t\\n' words=() current= quote= kept=0 what= list= url= token=
  COMPREPLY=()
  ${own}_split
  ${own}_wanted "$current" "\${words[@]:1}"
  case $what in
  words) ${own}_offer '' < <(printf '%s\\n' $list) ;;
  sources) ${own}_offer '' < <(${own}_ask sources) ;;
  jobs) ${own}_offer 1 < <(${own}_ask jobs --source "$list") ;;
  files) compopt -o default 2>/dev/null ;;
  esac
}
complete -F ${own} ${name}
`;
}
