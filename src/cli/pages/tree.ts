// The tree of commands as the man page and the completions read it. Pure.
import type { Command, Option } from 'commander';

/** Those that do something, in the order of their help; `token new` for one within another. */
export function commandsOf(command: Command): Command[] {
  const inner = command.commands.filter((each) => each.name() !== 'help');
  return inner.flatMap((each) => (each.commands.length > 0 ? commandsOf(each) : [each]));
}

export const flagsOf = (command: Command): readonly Option[] => command.options.filter(({ hidden }) => !hidden);

/** Its names from the program's on, without that. */
export const pathOf = (command: Command): string[] =>
  command.parent?.parent ? [...pathOf(command.parent), command.name()] : [command.name()];

export const argumentsOf = (command: Command): string[] =>
  command.registeredArguments.map((each) => {
    const name = `${each.name().toUpperCase()}${each.variadic ? '...' : ''}`;
    return each.required ? name : `[${name}]`;
  });

/** What stands after the flags in the help of the command. */
export function helpOf(command: Command): string {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (text) => void parts.push(text) });
  command.outputHelp();
  const whole = parts.join('');
  const [own = ''] = whole.split('\nExit codes:\n');
  // Commander prints what was added after the flags, of which -h is the last.
  const end = own.search(/\n {2}-h, --help/);
  return own
    .slice(end + 1)
    .split('\n')
    .slice(1)
    .join('\n');
}
