import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from './duration.ts';
import { usage } from './failure.ts';
import { sayFailure } from './print.ts';
import type { CommonOptions, Verb, VerbOption, VerbTable } from './verb.ts';
import { commonOptions, verbs } from './verbs.ts';

/** Runs the command line and ends the process with the verb's exit code. */
export async function program(argv: readonly string[]): Promise<never> {
  const code = await main(argv);
  // What was printed reaches a slow reader before the end; sockets that linger do not keep the process.
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
  process.exit(code);
}

async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  let said = '';
  const command = commandOf((code) => {
    exitCode = code;
  });
  for (const each of [command, ...command.commands]) each.configureOutput({ writeErr: (text) => (said += text), outputError: (text, write) => write(text) });
  try {
    await command.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const ownPart = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
    // `ostler` alone: the help itself is the answer.
    if (error.code === 'commander.help') process.stderr.write(said);
    else sayFailure(usage(said.trim().replace(/^error: /, ''), 'see `ostler --help`'), { json: ownPart.includes('--json') });
    return 2;
  }
}

function commandOf(finish: (code: number) => void): Command {
  const release = ownRelease();
  const command = new Command('ostler')
    .description('One agent per host: keeps the workers of one host file running.')
    .enablePositionalOptions()
    .exitOverride()
    .version(release, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [verb]', 'print the help of a verb')
    .showSuggestionAfterError();
  for (const option of commonOptions) command.addOption(optionOf(option));
  for (const verb of verbs) command.addCommand(verbCommand(verb, command, release, finish), { hidden: verb.isHidden === true });
  return command;
}

function verbCommand(verb: Verb, parent: Command, release: string, finish: (code: number) => void): Command {
  const command = new Command(verb.name).description(verb.summary).exitOverride().helpOption('-h, --help', 'print this').showSuggestionAfterError();
  if (verb.args !== undefined) command.arguments(verb.args);
  for (const option of verb.options) command.addOption(optionOf(option));
  for (const option of commonOptions) command.addOption(optionOf(option).helpGroup('Common options:'));
  command.version(release, '-V, --version', 'print the version');
  command.passThroughOptions(verb.passesOn === true).allowExcessArguments(false);
  return command.action(async () => {
    const options = named(verb, { ...parent.opts(), ...command.opts() });
    finish(await runVerb(verb, options, command.args));
  });
}

async function runVerb(verb: Verb, options: CommonOptions, args: string[]): Promise<number> {
  guardOutput(verb);
  try {
    const { run } = await verb.load();
    return await (run as (options: CommonOptions, args: string[], table: VerbTable) => Promise<number>)(options, args, { verbs, commonOptions });
  } catch (error) {
    return sayFailure(error, options, isStream(verb, options));
  }
}

const isStream = ({ streams }: Verb, options: CommonOptions & { readonly follow?: boolean }): boolean =>
  streams === 'always' || (streams === 'followed' && options.follow === true);

/** A reader of our output that has gone (`| head`) ends a client quietly; an agent goes on for its workers' sake. */
function guardOutput(verb: Verb): void {
  const isAgent = verb.name === 'up' || verb.name === 'serve';
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isAgent) return;
      if (error.code === 'EPIPE') process.exit(0);
      if (stream === process.stdout) process.stderr.write(`the output cannot be written: ${error.message}\n`);
      process.exit(1);
    });
}

function optionOf({ flags, description, as }: VerbOption): Option {
  const option = new Option(flags, description);
  if (as === 'duration') option.argParser(durationMs);
  if (as === 'count') option.argParser(count);
  if (as === 'many') option.argParser((value, before: readonly string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** The options under the names that the verb knows them by. */
function named(verb: Verb, options: Record<string, unknown>): CommonOptions {
  for (const { flags, into } of verb.options) {
    const given = new Option(flags).attributeName();
    if (into === undefined || into === given || !(given in options)) continue;
    options[into] = options[given];
    delete options[given];
  }
  return options;
}

function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('Expected a duration with its unit, such as 10s, 2m or 1m30s.');
  return ms;
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 0.');
  return Number(text);
}

/** Of the package that this file was built into, or stands in. */
function ownRelease(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
