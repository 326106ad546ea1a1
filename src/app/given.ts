import * as v from 'valibot'
import { SSL_MODES } from '../backend/index.js'
import { LONGEST_MS } from '../core/duration.js'
import { MigrateError, type ErrorCode } from '../core/errors.js'
import { group, misfitOf, text } from '../files/shape.js'
import type {
  AdoptOptions,
  CheckName,
  HistoryOptions,
  Migrator,
  MigratorOptions,
  NewRevisionOptions,
  RunOptions,
  StampOptions,
} from './types.js'

/** Each member of `T`, no more and no fewer, as it may be given: an option that is new in the types has to be here too. */
type Shape<T> = { readonly [Key in keyof Required<T>]: v.GenericSchema }

const yesOrNo = v.boolean('must be true or false')
const texts = v.array(text, 'must be a list of texts')
const callback = v.function('must be a function')
const anything = v.unknown()
const count = whole('must be a whole number from 0')
const milliseconds = whole(`must be whole milliseconds from 0 to ${LONGEST_MS}`, LONGEST_MS)

function whole(message: string, most = Number.MAX_SAFE_INTEGER) {
  return v.pipe(
    v.number(message),
    v.check((value) => Number.isInteger(value) && value >= 0 && value <= most, message),
  )
}

function oneOf(...words: readonly string[]) {
  return v.picklist(words, `must be ${words.join(' or ')}`)
}

/** All the words of a type, which the compiler counts. */
function wordOf<Word extends string>(words: Readonly<Record<Word, true>>) {
  return oneOf(...Object.keys(words))
}

/** A group of which all may be left out but what is required. */
function options<T extends object>(entries: Shape<T>, required: readonly (keyof T)[] = []) {
  const members = Object.entries<v.GenericSchema>(entries).map(([name, one]) => [
    name,
    required.some((key) => key === name) ? one : v.optional(one),
  ])
  return group(Object.fromEntries(members) as Record<string, v.GenericSchema>)
}

function object(message: string) {
  return v.custom<object>((value) => typeof value === 'object' && value !== null, message)
}

const signal = v.custom<AbortSignal>(
  (value) => typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
  'must be an AbortSignal',
)

const ssl = options<NonNullable<MigratorOptions['ssl']>>({
  mode: oneOf(...SSL_MODES),
  ca: text,
  cert: text,
  key: text,
})

const MIGRATOR = options<MigratorOptions>({
  url: text,
  client: anything,
  backend: v.union([text, object('')], 'must be a backend, or the name of a package'),
  dir: text,
  layout: text,
  declared: v.union([text, object('')], 'must be what defineIndexes() made, or the path of a file'),
  revisions: v.array(object('must be what defineRevision() made'), 'must be a list of revisions'),
  metadata: options<NonNullable<MigratorOptions['metadata']>>({ schema: text, prefix: text }),
  lockWaitMs: milliseconds,
  lock: wordOf<NonNullable<MigratorOptions['lock']>>({ auto: true, session: true, lease: true }),
  leaseMs: milliseconds,
  lockTimeoutMs: milliseconds,
  lockRetries: count,
  statementTimeoutMs: milliseconds,
  waitTimeoutMs: milliseconds,
  strictOrder: yesOrNo,
  password: v.function('must be a function that answers with it'),
  ssl,
  role: text,
  cwd: text,
  signal,
  onEvent: callback,
  templates: options<NonNullable<MigratorOptions['templates']>>({ sql: text, ts: text }),
  formatter: v.array(text, 'must be a list of program and arguments'),
})

const RUN = options<RunOptions>({
  plan: yesOrNo,
  sql: callback,
  singleTransaction: yesOrNo,
  strictOrder: yesOrNo,
  collectStatements: yesOrNo,
  confirm: callback,
})

const NEW_REVISION = options<NewRevisionOptions>(
  {
    message: text,
    head: texts,
    splice: yesOrNo,
    branchLabel: texts,
    dependsOn: texts,
    kind: wordOf<NonNullable<NewRevisionOptions['kind']>>({ sql: true, ts: true }),
    revId: text,
  },
  ['message'],
)

const checkName = wordOf<CheckName>({
  heads: true,
  pending: true,
  edited: true,
  missing: true,
  unfinished: true,
  drift: true,
  unused: true,
  lint: true,
})

/** What each method takes, in its order, by the names that the documentation has. */
const METHODS: { readonly [Method in keyof Migrator]: Readonly<Record<string, v.GenericSchema>> } = {
  upgrade: { target: v.optional(text), options: v.optional(RUN) },
  downgrade: { target: v.optional(text), options: v.optional(RUN) },
  redo: { target: v.optional(text), options: v.optional(RUN) },
  stamp: {
    targets: texts,
    options: v.optional(options<StampOptions>({ purge: yesOrNo, plan: yesOrNo, sql: callback })),
  },
  adopt: { options: v.optional(options<AdoptOptions>({ from: text, table: text, plan: yesOrNo })) },
  current: {},
  status: {},
  history: { options: v.optional(options<HistoryOptions>({ range: text, indicateCurrent: yesOrNo })) },
  heads: {
    options: v.optional(
      options<Given<'heads', 0>>({ resolveDependencies: yesOrNo, indicateCurrent: yesOrNo }),
    ),
  },
  branches: {},
  show: { target: text },
  check: { names: v.optional(v.array(checkName, 'must be a list of checks')) },
  revision: { options: NEW_REVISION },
  autogenerate: { options: NEW_REVISION },
  merge: {
    targets: texts,
    options: v.optional(options<Given<'merge', 1>>({ message: text, branchLabel: texts, revId: text })),
  },
  fileOf: { target: text },
  tags: {},
  tag: { name: text, options: v.optional(options<Given<'tag', 1>>({ target: text, force: yesOrNo })) },
  untag: { name: text },
  repair: { target: text, options: v.optional(options<Given<'repair', 1>>({ plan: yesOrNo })) },
  resolve: { revision: text, how: wordOf<Given<'resolve', 1>>({ done: true, retry: true, rollback: true }) },
  backfills: {},
  pauseBackfill: { revision: v.optional(text) },
  resumeBackfill: { revision: v.optional(text) },
  log: { options: v.optional(options<Given<'log', 0>>({ limit: count })) },
}

type Given<Method extends keyof Migrator, Index extends number> = NonNullable<
  Parameters<Migrator[Method]>[Index]
>

/**
 * Looks at what `createMigrator` was given as at a configuration file.
 * @throws MigrateError MIG-CONFIG-INVALID naming the option, what it may be and what it is
 */
export function checkOptions(given: unknown): asserts given is MigratorOptions {
  check('MIG-CONFIG-INVALID', 'createMigrator()', 'options', MIGRATOR, given)
}

/**
 * Looks at what a method was given.
 * @throws MigrateError MIG-USAGE naming the argument or the option, what it may be and what it is
 */
export function checkArguments(method: keyof Migrator, given: readonly unknown[]): void {
  Object.entries(METHODS[method]).forEach(([name, schema], index) => {
    check('MIG-USAGE', `${method}()`, name, schema, given[index])
  })
}

function check(
  code: ErrorCode,
  call: string,
  argument: string,
  schema: v.GenericSchema,
  given: unknown,
): void {
  const misfit = misfitOf(schema, given)
  if (misfit === null) return
  const { path, name, problem, hint } = misfit
  const isOption = typeof path[0] === 'string'
  throw new MigrateError(code, `${call}: "${isOption ? name : `${argument}${name}`}" ${problem}.`, {
    hint: hint ?? 'The types say what it takes, with units and defaults.',
  })
}
