import { statSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import type { MigrateError } from '../core/errors.js'
import { VERSION } from '../core/version.js'
import { didYouMean } from '../core/wording.js'
import { COMMANDS } from './commands/index.js'
import type { Context } from './context.js'
import { commandIndex, GLOBAL_OPTIONS, shieldTargets, unshield } from './global-options.js'
import { examplesHelp, programHelp } from './help.js'
import type { Io } from './io.js'
import type { Style } from '../report/view.js'
import { createInput, type Input } from './input.js'
import type { CommandEntry, CommandSpec, OptionSpec } from './spec.js'
import { usageError } from './usage.js'

/**
 * Reads the arguments and runs the command that they name. Only that command's file is loaded.
 *
 * @throws MigrateError MIG-USAGE for wrong use, and whatever the command throws
 */
export async function runProgram(
  args: readonly string[],
  io: Io,
  createContext: (command: string, input: Input) => Context,
): Promise<void> {
  const index = commandIndex(args)
  const asked = args[index] === 'help' ? args[index + 1] : args[index]
  const entry = COMMANDS.find(({ name }) => name === asked)
  const spec = entry === undefined ? undefined : (await entry.load()).command
  const program = buildProgram(io, entry, spec, createContext)
  if (args.length === 0) {
    io.out(program.helpInformation())
    throw nothingNamed('Begin with one of those above: migrate init, migrate status')
  }
  try {
    await program.parseAsync(shieldTargets(args, index), { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) fromParser(error, asked)
    else throw error
  }
}

function buildProgram(
  io: Io,
  called: CommandEntry | undefined,
  spec: CommandSpec | undefined,
  createContext: (command: string, input: Input) => Context,
): Command {
  const program = new Command('migrate')
    .version(`revgraph ${VERSION}`, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: () => undefined,
      outputError: () => undefined,
    })
  const { style } = io.view('out', { colour: true, verbose: false })
  program.configureHelp({
    styleTitle: style.bold,
    ...(spec === undefined ? { formatHelp: () => programHelp(COMMANDS, GLOBAL_OPTIONS, style) } : {}),
  })
  for (const option of GLOBAL_OPTIONS) program.addOption(toOption(option))
  if (called !== undefined && spec !== undefined) {
    define(program.command(called.name), called, spec, style, createContext)
  } else {
    // Their names alone: for the suggestion after a misspelt one.
    for (const entry of COMMANDS) program.command(entry.name)
  }
  return program
}

function define(
  command: Command,
  entry: CommandEntry,
  spec: CommandSpec,
  style: Style,
  createContext: (command: string, input: Input) => Context,
): void {
  const sentence = entry.summary.charAt(0).toUpperCase() + entry.summary.slice(1)
  command.description(spec.details === undefined ? `${sentence}.` : `${sentence}.\n\n${spec.details}`)
  for (const { syntax, description } of spec.arguments ?? []) command.argument(syntax, description)
  for (const option of spec.options ?? []) command.addOption(toOption(option))
  // Hidden here and known to the program: so that `-iv` may join one of each.
  for (const option of GLOBAL_OPTIONS) command.addOption(toOption(option).hideHelp())
  command.helpOption('-h, --help', 'print this help')
  command.addHelpText('after', examplesHelp(spec, style))
  command.action(async () => {
    // The command's own value counts where both levels saw the option.
    const parsed = { ...command.parent?.opts<Record<string, unknown>>(), ...defined(command) }
    const input = createInput(command.args.map(unshield), unshieldAll(parsed))
    refuseMissingFolder(input.value('cwd'))
    const context = createContext(entry.name, input)
    try {
      await spec.run(context, input)
    } catch (error) {
      throw await context.explain(error)
    }
  })
}

/** Else a misspelt folder looks like an empty one, and `init` would even make it. */
function refuseMissingFolder(cwd: string | undefined): void {
  if (cwd === undefined || statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw usageError(
    `--cwd names ${cwd}, and there is no such folder.`,
    'Correct it, or make the folder first.',
  )
}

function defined(command: Command): Record<string, unknown> {
  const options = Object.entries(command.opts<Record<string, unknown>>())
  return Object.fromEntries(options.filter(([name]) => command.getOptionValueSource(name) !== 'default'))
}

function unshieldAll(options: Record<string, unknown>): Record<string, unknown> {
  const clean = (value: unknown): unknown =>
    typeof value === 'string' ? unshield(value) : Array.isArray(value) ? value.map(clean) : value
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, clean(value)]))
}

function toOption({ flags, description, repeatable }: OptionSpec): Option {
  const option = new Option(flags, description)
  if (repeatable === true) {
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
  }
  return option
}

/** The parser's own words become an error of ours; its answers to --help and --version are no errors. */
function fromParser(error: CommanderError, command: string | undefined): void {
  if (error.exitCode === 0) return
  if (error.code === 'commander.help') {
    if (command === undefined) throw nothingNamed('List them with: migrate --help')
    const meant = didYouMean(
      command,
      COMMANDS.map(({ name }) => name),
    )
    const hint = meant === undefined ? 'See migrate --help' : `${meant} See migrate --help`
    throw usageError(`Unknown command '${command}'.`, hint)
  }
  const [first = '', ...rest] = unshield(error.message).split('\n')
  const message = first.replace(/^error: |\.$/g, '')
  const suggestion = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1]
  const help =
    error.code === 'commander.unknownCommand' || command === undefined
      ? 'migrate --help'
      : `migrate ${command} --help`
  throw usageError(
    `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
    suggestion === undefined ? `See ${help}` : `Did you mean ${suggestion}? See ${help}`,
  )
}

function nothingNamed(hint: string): MigrateError {
  return usageError('No command was named.', hint)
}
