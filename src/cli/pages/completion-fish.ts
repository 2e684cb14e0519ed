// The completions of fish. Pure.
import type { Command, Option } from 'commander';
import { takesJobs, valuedOf } from './completion-words.js';
import { commandsOf, flagsOf, pathOf } from './tree.js';

/** The lines of a command substitution are offered as they are, and quoted when they are inserted. */
export function inFish(program: Command, name: string): string {
  const top = program.commands.map((each) => each.name());
  const names = `__${name.replaceAll('-', '_')}_names`;
  const lines = [namesInFish(names, name, valuedOf(commandsOf(program).filter(takesJobs))), `complete -c ${name} -f`];
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
    for (const option of flagsOf(command)) lines.push(`complete -c ${name} ${when} ${fishFlag(option, name)}`);
    if (takesJobs(command)) lines.push(`complete -c ${name} ${when} -a "(${names})"`);
  }
  return `${lines.join('\n')}\n`;
}

/** A source first, then the jobs of that source: each is an argument of its own. */
function namesInFish(own: string, name: string, valued: readonly string[]): string {
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
    ${name} sources -o name -q 2>/dev/null
  else
    ${name} jobs -o name -q --source $args[$at] 2>/dev/null | string replace -r '^\\S+ ' '' | string match -rv -- '^-|[*?]'
  end
end`;
}

function fishFlag({ short, long, description, argChoices, required }: Option, name: string): string {
  const values =
    long === '--source'
      ? ` -xa "(${name} sources -o name -q 2>/dev/null)"`
      : argChoices
        ? ` -xa ${quote(argChoices.join(' '))}`
        : ' -r';
  return (
    [
      ...(short ? [`-s ${short.slice(1)}`] : []),
      ...(long ? [`-l ${long.slice(2)}`] : []),
      `-d ${quote(description)}`,
    ].join(' ') + (required ? values : '')
  );
}

const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
