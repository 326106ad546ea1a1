import { ownFilesOf } from '../app/own-files.js'
import type { MigratorOptions } from '../app/types.js'
import { requireUrl, resolveConfig, type ConfigFlags } from '../files/config.js'
import type { MigrateError } from '../core/errors.js'
import type { Input } from './input.js'

/** What flags, variables and the config file decide, as the library wants it. */
export interface Settings {
  readonly options: MigratorOptions
  /** Null without one. */
  readonly environment: string | null
  readonly protected: boolean
  readonly singleTransaction: boolean
  readonly newRevision: 'sql' | 'ts'
  /** Why no database is known, for the command that needs one. */
  whyNoUrl(): MigrateError | null
}

const TEXT_FLAGS = [
  ['config', 'config'],
  ['env', 'env'],
  ['url', 'url'],
  ['ssl.mode', 'ssl-mode'],
  ['ssl.ca', 'ssl-ca'],
  ['role', 'role'],
  ['dir', 'dir'],
  ['layout', 'layout'],
  ['lockWait', 'lock-wait'],
  ['lockTimeout', 'lock-timeout'],
  ['lockRetries', 'lock-retries'],
  ['statementTimeout', 'statement-timeout'],
  ['waitTimeout', 'wait-timeout'],
] as const satisfies readonly (readonly [keyof ConfigFlags, string])[]

/** @throws MigrateError MIG-CONFIG-…, MIG-ENVIRONMENT-UNKNOWN */
export async function readSettings(input: Input, cwd: string): Promise<Settings> {
  const flags = Object.fromEntries(
    TEXT_FLAGS.flatMap(([key, name]) => {
      const value = input.value(name)
      return value === undefined ? [] : [[key, value]]
    }),
  )
  const config = await resolveConfig(flags, process.env, cwd)
  const { declared, formatter, password, role, scheme, url } = config
  const backend = config.backend ?? (scheme === null ? null : await ownFilesOf(`${scheme}:`))
  return {
    options: {
      cwd,
      ...(url === null ? {} : { url }),
      ...(password === undefined ? {} : { password }),
      ...(role === null ? {} : { role }),
      ...(backend === null ? {} : { backend }),
      ...(declared === null ? {} : { declared }),
      ...(formatter === null ? {} : { formatter }),
      ssl: config.ssl,
      dir: config.dir,
      layout: config.layout,
      metadata: config.metadata,
      templates: config.templates,
      lockWaitMs: config.lockWaitMs,
      lock: config.lock,
      leaseMs: config.leaseMs,
      ...(config.lockTimeoutMs === null ? {} : { lockTimeoutMs: config.lockTimeoutMs }),
      lockRetries: config.lockRetries,
      ...(config.statementTimeoutMs === null ? {} : { statementTimeoutMs: config.statementTimeoutMs }),
      waitTimeoutMs: config.waitTimeoutMs,
      strictOrder: config.strictOrder,
    },
    environment: config.environment,
    protected: config.protected,
    singleTransaction: config.singleTransaction,
    newRevision: config.newRevision,
    whyNoUrl() {
      try {
        requireUrl(config)
        return null
      } catch (error) {
        return error as MigrateError
      }
    },
  }
}
