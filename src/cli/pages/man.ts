// The man page, from the tree of commands. Pure.
import type { Command, Option } from 'commander';
import { EXIT_CODES, EXIT_NOTES } from '../exit.js';
import { argumentsOf, commandsOf, flagsOf, helpOf, pathOf } from './tree.js';

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['QMP_GATEWAY_URL', 'the gateway, as --url'],
  ['QMP_GATEWAY_TOKEN', 'the token'],
  ['QMP_GATEWAY_TOKEN_FILE', 'a file with the token, as --token-file'],
  ['NO_COLOR', 'no colours, if it is set to anything'],
  ['COLUMNS', 'the width of tables in a terminal'],
];

/** In the language of man(7). */
export function manPage(program: Command, version: string): string {
  const name = program.name();
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    '.SH NAME',
    `${name} \\- ${roff(program.description())}`,
    '.SH SYNOPSIS',
    `.B ${name}`,
    '.I COMMAND',
    '[OPTIONS] [ARGUMENTS]',
    '.SH COMMANDS',
    ...commandsOf(program).flatMap(commandLines),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(({ code, when }) => tagged(`.B ${code}`, when)),
    ...EXIT_NOTES.flatMap((text) => ['.PP', sentence(text)]),
    '.SH ENVIRONMENT',
    'Each setting of serve may be a variable too: QMP_GATEWAY_ALLOW_HOST for \\-\\-allow\\-host, QMP_GATEWAY_SOURCES for \\-\\-source.',
    ...ENVIRONMENT.flatMap(([variable, text]) => tagged(`.B ${variable}`, text)),
    '.SH SEE ALSO',
    'The protocol and the operation of the gateway are described in its folder of documentation: PROTOCOL.md, OPERATIONS.md, CLI.md.',
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines(command: Command): string[] {
  return [
    `.SS "${roff([...pathOf(command), ...argumentsOf(command)].join(' '))}"`,
    sentence(command.description()),
    ...command.registeredArguments.flatMap((each, at) =>
      each.description === '' ? [] : tagged(`.I ${roff(argumentsOf(command)[at] ?? '')}`, each.description),
    ),
    ...flagsOf(command).flatMap(flagLines),
    ...extra(helpOf(command)),
  ];
}

function flagLines({
  flags,
  description,
  argChoices,
  defaultValue,
  defaultValueDescription,
  envVar,
}: Option): string[] {
  const more = [
    ...(argChoices ? [`one of ${argChoices.join(', ')}`] : []),
    ...(defaultValue === undefined || defaultValue === true
      ? []
      : [`default ${defaultValueDescription ?? defaultValue}`]),
    ...(envVar === undefined ? [] : [`env ${envVar}`]),
  ];
  return tagged(`.B ${roff(flags)}`, `${description}${more.length > 0 ? ` (${more.join('; ')})` : ''}`);
}

/** Words of the command's help: examples stand as they are. */
function extra(text: string): string[] {
  const lines = text.trim();
  return lines === '' ? [] : ['.PP', '.nf', ...lines.split('\n').map((line) => roff(line) || '\\&'), '.fi'];
}

const tagged = (tag: string, text: string): string[] => ['.TP', tag, sentence(text)];

const sentence = (text: string): string => roff(`${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`);

/** A line that begins with a dot or a quote is a request of roff. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
    .replace(/^([.'])/, '\\&$1');
