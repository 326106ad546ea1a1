import * as v from 'valibot'
import { MigrateError } from '../core/errors.js'
import type { LoadedConfig } from './config-load.js'
import type { MigrateConfig } from './config-types.js'
import { placeOfKey } from './config-text.js'
import { GROUP, group, misfitOf, text } from './shape.js'

const time = v.union([text, v.number()], 'must be a time, as 5s')
const count = v.union([text, v.number()], 'must be a number, as 5')
const yesOrNo = v.union(
  [v.boolean(), v.pipe(text, v.regex(/\$\{|^(?:true|false)$/, 'must be true or false'))],
  'must be true or false',
)
const command = v.union([text, v.array(text)], 'must be a command, or a list of program and arguments')
const secret = v.union([text, v.function()], 'must be text or, in code, a function')
/** Texts all, for any may hold a variable: {@link Layers} looks at what they say. */
const ssl = { mode: v.optional(text), ca: v.optional(text), cert: v.optional(text), key: v.optional(text) }

const OPTIONS = {
  url: v.optional(text),
  urlFile: v.optional(text),
  password: v.optional(secret),
  passwordFile: v.optional(text),
  ssl: v.optional(group(ssl)),
  role: v.optional(text),
  dir: v.optional(text),
  layout: v.optional(text),
  declared: v.optional(text),
  backend: v.optional(text),
  metadata: v.optional(group({ schema: v.optional(text), prefix: v.optional(text) })),
  lockWait: v.optional(time),
  lock: v.optional(text),
  lease: v.optional(time),
  lockTimeout: v.optional(time),
  lockRetries: v.optional(count),
  statementTimeout: v.optional(time),
  waitTimeout: v.optional(time),
  protected: v.optional(yesOrNo),
  strictOrder: v.optional(yesOrNo),
  singleTransaction: v.optional(yesOrNo),
  templates: v.optional(group({ sql: v.optional(text), ts: v.optional(text) })),
  newRevision: v.optional(text),
  formatter: v.optional(command),
}

const ENTRIES = {
  $schema: v.optional(text),
  ...OPTIONS,
  environments: v.optional(v.record(text, group(OPTIONS), GROUP)),
  defaultEnvironment: v.optional(text),
}

const CONFIG = group(ENTRIES)

/** Names of everything that may stand in a configuration, the nested ones with a dot. */
export const CONFIG_KEYS: readonly string[] = [
  ...Object.keys(ENTRIES),
  ...['mode', 'ca', 'cert', 'key'].map((name) => `ssl.${name}`),
  ...['schema', 'prefix'].map((name) => `metadata.${name}`),
  ...['sql', 'ts'].map((name) => `templates.${name}`),
]

/** @throws MigrateError MIG-CONFIG-INVALID naming the option, its place, and what it should be */
export function checkConfig(loaded: LoadedConfig): MigrateConfig {
  const { values } = loaded
  const misfit = misfitOf(CONFIG, values)
  if (misfit === null) return values as MigrateConfig
  const { path, name, problem, hint } = misfit
  throw new MigrateError(
    'MIG-CONFIG-INVALID',
    `${path.length === 0 ? 'The configuration' : `"${name}"`} ${problem}.`,
    {
      ...placeOfKey(loaded, path.map(String)),
      hint: hint ?? 'Correct it; .migraterc.example in the package shows every option.',
    },
  )
}
