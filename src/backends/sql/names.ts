import type { MetadataNames } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { SqlFlavour } from './flavour.js'

export const TABLES = ['meta', 'history', 'journal', 'tags', 'log', 'backfill', 'lock'] as const
export type TableRole = (typeof TABLES)[number]

/** The metadata's tables, quoted and qualified as statements name them. */
export type SqlNames = Readonly<Record<TableRole, string>> & {
  /** As they are called, unquoted. */
  readonly plain: Readonly<Record<TableRole, string>>
  /** Unquoted; absent where the server has none or it is not known (offline). */
  readonly schema: string | undefined
}

/**
 * @param names with the schema that the backend resolved when it connected: a revision may change the default later
 * @throws MigrateError MIG-CONFIG-INVALID for a prefix or schema that the server would cut short
 */
export function sqlNames(names: MetadataNames, flavour: SqlFlavour): SqlNames {
  const { schema, prefix } = names
  const plain = Object.fromEntries(TABLES.map((role) => [role, `${prefix}${role}`])) as Record<
    TableRole,
    string
  >
  for (const name of [...Object.values(plain), ...(schema === undefined ? [] : [schema])]) {
    requireStorable(name, flavour)
  }
  const qualify = (name: string) =>
    schema === undefined
      ? flavour.identifier(name)
      : `${flavour.identifier(schema)}.${flavour.identifier(name)}`
  const qualified = Object.fromEntries(TABLES.map((role) => [role, qualify(plain[role])])) as Record<
    TableRole,
    string
  >
  return { ...qualified, plain, schema }
}

function requireStorable(name: string, flavour: SqlFlavour): void {
  const limit = flavour.longestName
  const length = limit?.unit === 'bytes' ? Buffer.byteLength(name) : Array.from(name).length
  if (name.includes('\0') || name === '') {
    throw new MigrateError(
      'MIG-CONFIG-INVALID',
      'A name of the metadata tables is empty or has a NUL in it.',
      {
        hint: 'Correct metadata.schema and metadata.prefix in the configuration.',
      },
    )
  }
  if (limit !== null && length > limit.length) {
    throw new MigrateError(
      'MIG-CONFIG-INVALID',
      `The metadata name "${name}" is longer than the ${limit.length} ${limit.unit} that ${flavour.product} keeps.`,
      { hint: 'Shorten metadata.schema or metadata.prefix in the configuration.' },
    )
  }
}
