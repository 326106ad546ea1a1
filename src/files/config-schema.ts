import * as v from 'valibot'
import { MigrateError } from '../core/errors.js'
import { shown } from '../core/names.js'
import { nearest } from '../core/wording.js'
import type { LoadedConfig } from './config-load.js'
import type { MigrateConfig } from './config-types.js'
import { placeOfKey } from './config-text.js'

const text = v.string('must be text')
const time = v.union([text, v.number()], 'must be a time, as 5s')
const count = v.union([text, v.number()], 'must be a number, as 5')
const yesOrNo = v.union(
  [v.boolean(), v.pipe(text, v.regex(/\$\{|^(?:true|false)$/, 'must be true or false'))],
  'must be true or false',
)
const command = v.union([text, v.array(text)], 'must be a command, or a list of program and arguments')
const GROUP = 'must be a group of named options'
const secret = v.union([text, v.function()], 'must be text or, in code, a function')

const OPTIONS = {
  url: v.optional(text),
  urlFile: v.optional(text),
  password: v.optional(secret),
  passwordFile: v.optional(text),
  ssl: v.optional(
    v.strictObject(
      { mode: v.optional(text), ca: v.optional(text), cert: v.optional(text), key: v.optional(text) },
      GROUP,
    ),
  ),
  role: v.optional(text),
  dir: v.optional(text),
  layout: v.optional(text),
  declared: v.optional(text),
  backend: v.optional(text),
  metadata: v.optional(v.strictObject({ schema: v.optional(text), prefix: v.optional(text) }, GROUP)),
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
  templates: v.optional(v.strictObject({ sql: v.optional(text), ts: v.optional(text) }, GROUP)),
  newRevision: v.optional(text),
  formatter: v.optional(command),
}

const ENVIRONMENT = v.strictObject(OPTIONS, GROUP)

const CONFIG = v.strictObject(
  {
    $schema: v.optional(text),
    ...OPTIONS,
    environments: v.optional(v.record(text, ENVIRONMENT, GROUP)),
    defaultEnvironment: v.optional(text),
  },
  GROUP,
)

/** Names of everything that may stand in a configuration, the nested ones with a dot. */
export const CONFIG_KEYS: readonly string[] = [
  ...Object.keys(CONFIG.entries),
  ...['mode', 'ca', 'cert', 'key'].map((name) => `ssl.${name}`),
  ...['schema', 'prefix'].map((name) => `metadata.${name}`),
  ...['sql', 'ts'].map((name) => `templates.${name}`),
]

/** @throws MigrateError MIG-CONFIG-INVALID naming the option, its place, and what it should be */
export function checkConfig(loaded: LoadedConfig): MigrateConfig {
  const { values } = loaded
  const result = v.safeParse(CONFIG, Array.isArray(values) ? null : values, { abortEarly: true })
  // valibot answers `undefined` for what is optional; here that and a missing key are one.
  if (result.success) return result.output as MigrateConfig
  const [issue] = result.issues
  const path = (issue.path ?? []).map(({ key }) => String(key))
  const key = path.at(-1) ?? ''
  const place = placeOfKey(loaded, path)
  if (issue.type !== 'strict_object' || issue.expected !== 'never') {
    const what = path.length === 0 ? 'The configuration' : `"${shown(path.join('.'))}"`
    throw new MigrateError('MIG-CONFIG-INVALID', `${what} ${issue.message}.`, {
      ...place,
      hint: 'Correct it; .migraterc.example in the package shows every option.',
    })
  }
  const known = keysBeside(path)
  const [meant] = nearest(key, known)
  throw new MigrateError('MIG-CONFIG-INVALID', `"${shown(path.join('.'))}" is no option.`, {
    ...place,
    hint:
      meant === undefined
        ? `There are ${known.filter((name) => name !== '$schema').join(', ')}.`
        : `Write "${meant}".`,
  })
}

function keysBeside(path: readonly string[]): readonly string[] {
  const [first = '', , third] = path
  const group = first === 'environments' && path.length > 3 ? (third ?? '') : path.length > 1 ? first : ''
  if (group === 'metadata') return ['schema', 'prefix']
  if (group === 'templates') return ['sql', 'ts']
  if (group === 'ssl') return ['mode', 'ca', 'cert', 'key']
  return group === 'environments' ? Object.keys(OPTIONS) : Object.keys(CONFIG.entries)
}
