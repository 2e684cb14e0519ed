// The completions of fish. Pure.
import type { Command, Option } from 'commander';
import { takesJobs, valuedOf } from './completion-words.js';
import { commandsOf, flagsOf, pathOf } from './tree.js';

/** The lines of a command substitution are offered as they are, and quoted when they are inserted. */
export function inFish(program: Command, name: string): string {
  const top = program.commands.map((each) => each.name());
  const own = `__${name.replaceAll('-', '_')}`;
  const [names, ask] = [`${own}_names`, `${own}_ask`];
  const valued = valuedOf(commandsOf(program).filter(takesJobs));
  const lines = [askInFish(ask, name), namesInFish(names, ask, valued), `complete -c ${name} -f`];
  for (const each of program.commands)
    lines.push(
      `complete -c ${name} -n "not __fish_seen_subcommand_from ${top.join(' ')}" -a ${each.name()} -d ${quote(each.description())}`,
    );
  for (const each of program.commands.filter(({ commands }) => commands.length > 0))
    for (const inner of each.commands)
      lines.push(
        `complete -c ${name} -n "__fish_seen_subcommand_from ${each.name()}" -a ${inner.name()} -d ${quote(inner.description())}`,
      );
  for (const command of commandsOf(program)) {
    const when = `-n "${pathOf(command)
      .map((each) => `__fish_seen_subcommand_from ${each}`)
      .join('; and ')}"`;
    for (const option of flagsOf(command)) lines.push(`complete -c ${name} ${when} ${fishFlag(option, ask)}`);
    if (takesJobs(command)) lines.push(`complete -c ${name} ${when} -a "(${names})"`);
  }
  return `${lines.join('\n')}\n`;
}

/** Lists names of the gateway that the line means, as the command would. */
function askInFish(own: string, name: string): string {
  return `function ${own}
  set -lx QMP_GATEWAY_URL $QMP_GATEWAY_URL
  set -lx QMP_GATEWAY_TOKEN_FILE $QMP_GATEWAY_TOKEN_FILE
  set -l before
  for word in (commandline -opc)
    switch "$before:$word"
      case '--url:*' '*:--url=*'
        set QMP_GATEWAY_URL (string replace -- '--url=' '' $word)
      case '--token-file:*' '*:--token-file=*'
        set QMP_GATEWAY_TOKEN_FILE (string replace -- '--token-file=' '' $word)
    end
    set before $word
  end
  ${name} $argv -o name -q 2>/dev/null
end`;
}

/** A source first, then the jobs of that source: each is an argument of its own. */
function namesInFish(own: string, ask: string, valued: readonly string[]): string {
  return `function ${own}
  set -l args
  set -l skip no
  for word in (commandline -opc)[2..-1]
    if test $skip = yes
      set skip no
    else if contains -- "$args[1]:$word" ${valued.join(' ')}
      set skip yes
    else if not string match -qr -- '^-.' $word
      set -a args $word
    end
  end
  set -l at 2
  if test "$args[1]" = speed
    test (count $args) -eq 1; and return
    set at 3
  end
  if test (count $args) -lt $at
    ${ask} sources
  else
    ${ask} jobs --source $args[$at] | string replace -r '^\\S+ ' '' | string match -rv -- '^-|[*?]'
  end
end`;
}

function fishFlag({ short, long, description, argChoices, required }: Option, ask: string): string {
  const values =
    long === '--source' ? ` -xa "(${ask} sources)"` : argChoices ? ` -xa ${quote(argChoices.join(' '))}` : ' -r';
  return (
    [
      ...(short ? [`-s ${short.slice(1)}`] : []),
      ...(long ? [`-l ${long.slice(2)}`] : []),
      `-d ${quote(description)}`,
    ].join(' ') + (required ? values : '')
  );
}

const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
