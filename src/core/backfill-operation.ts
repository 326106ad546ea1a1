/** What {@link import('./definition.js').Operations.backfill} is given: the parts of an UPDATE, and how it is paced. */
export interface BackfillDefinition {
  /** As it stands in an UPDATE: `users`, `app.users`, `"Users"`. */
  readonly table: string
  /** Columns and the SQL expressions that they are set to; or what stands behind SET. */
  readonly set: string | Readonly<Record<string, string>>
  /** SQL: which rows. Default: all. */
  readonly where?: string
  /** Columns of a unique key without NULLs. Default: the primary key. */
  readonly key?: string | readonly string[]
  /** Rows of the first batch. Default 1,000. */
  readonly batchSize?: number
  /** Milliseconds that a batch is steered to take; 0 keeps the batch size. Default 500. */
  readonly batchTime?: number
  /** Milliseconds to wait between batches. Default 0. */
  readonly pause?: number
  /** Milliseconds that replicas may be behind before it waits; 0 does not ask. Default 10,000. */
  readonly maxLag?: number
}

const NUMBERS = { batchSize: 'batch', batchTime: 'time', pause: 'pause', maxLag: 'max-lag' } as const
const KNOWN: ReadonlySet<string> = new Set(['table', 'set', 'where', 'key', ...Object.keys(NUMBERS)])

/** How the text of a backfill begins. */
export const BACKFILL_MARK = '-- migrate:backfill'

/** The same as it is written in a file of SQL; or what is wrong with it, as `{ problem }`. */
export function backfillText(given: unknown): string | { readonly problem: string } {
  if (typeof given !== 'object' || given === null) return { problem: 'an object' }
  const fields = new Map<string, unknown>(Object.entries(given))
  const unknown = [...fields.keys()].find((name) => !KNOWN.has(name))
  if (unknown !== undefined) return { problem: `no "${unknown}"` }
  const table = fields.get('table')
  if (!isText(table)) return { problem: '"table", the name of one' }
  const set = setText(fields.get('set'))
  if (set === null) return { problem: '"set": columns and SQL expressions, or SQL' }
  const where = fields.get('where')
  if (where !== undefined && !isText(where)) return { problem: '"where" as SQL' }
  const options: string[] = []
  const key = fields.get('key')
  if (key !== undefined) {
    const columns: unknown[] = Array.isArray(key) ? key : [key]
    if (columns.length === 0 || !columns.every((one) => isText(one) && !/[\s,]/.test(one)))
      return { problem: '"key": a column or several' }
    options.push(`key:${columns.join(',')}`)
  }
  for (const [name, word] of Object.entries(NUMBERS)) {
    const value = fields.get(name)
    if (value === undefined) continue
    if (typeof value !== 'number' || !Number.isInteger(value) || value < (name === 'batchSize' ? 1 : 0))
      return { problem: `"${name}" as a whole number` }
    options.push(`${word}:${value}${name === 'batchSize' ? '' : 'ms'}`)
  }
  const condition = where === undefined ? '' : `\nWHERE ${where.trim()}`
  return `${[BACKFILL_MARK, ...options].join(' ')}\nUPDATE ${table.trim()}\nSET ${set}${condition}\n;\n`
}

function setText(set: unknown): string | null {
  if (isText(set)) return set.trim()
  if (typeof set !== 'object' || set === null || Array.isArray(set)) return null
  const entries = Object.entries(set)
  if (entries.length === 0 || !entries.every(([, value]) => isText(value))) return null
  return entries.map(([column, value]) => `${column} = ${value}`).join(', ')
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''
