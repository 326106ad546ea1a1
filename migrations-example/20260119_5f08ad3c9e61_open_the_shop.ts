import { defineRevision } from 'revgraph'

const CATEGORIES = ['Books', 'Garden', 'Kitchen', 'Music', 'Toys']
const THINGS = ['Basket', 'Box', 'Case', 'Kit', 'Lamp', 'Set', 'Stand', 'Tray']
const NAMES = ['Ada', 'Ben', 'Cleo', 'Dora', 'Emil', 'Fay', 'Gus', 'Hana', 'Ines', 'Jon']

const PRODUCTS = CATEGORIES.length * THINGS.length
const USERS = 500
const ORDERS = 2_000

/** Rows of one INSERT: few enough for every server's limit on the length of a statement. */
const ROWS = 500

/** What is inserted must be the same on every machine and each time, so that the checksum of the revision is. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 16_807) % 2_147_483_647
    return state % below
  }
}

function day(number: number): string {
  return new Date(Date.UTC(2026, 0, 1 + number)).toISOString().slice(0, 10)
}

function* inserts(table: string, rows: readonly string[]): Generator<string> {
  for (let at = 0; at < rows.length; at += ROWS) {
    yield `INSERT INTO ${table} VALUES\n${rows.slice(at, at + ROWS).join(',\n')}`
  }
}

function* shop(): Generator<string> {
  const next = numbers(42)
  const prices = Array.from({ length: PRODUCTS }, () => 200 + next(9_800))
  const items: string[] = []

  yield* inserts(
    'categories (id, name)',
    CATEGORIES.map((name, index) => `(${index + 1}, '${name}')`),
  )
  yield* inserts(
    'products (id, category_id, name, price_cents)',
    prices.map((price, index) => {
      const category = Math.floor(index / THINGS.length)
      const name = `${CATEGORIES[category] ?? ''} ${THINGS[index % THINGS.length] ?? ''}`
      return `(${index + 1}, ${category + 1}, '${name}', ${price})`
    }),
  )
  yield* inserts(
    'users (id, name, email, joined_on)',
    Array.from({ length: USERS }, (_, index) => {
      const name = NAMES[next(NAMES.length)] ?? ''
      return `(${index + 1}, '${name}', '${name.toLowerCase()}.${index + 1}@example.org', '${day(next(30))}')`
    }),
  )
  yield* inserts(
    'orders (id, user_id, ordered_on)',
    Array.from({ length: ORDERS }, (_, index) => {
      for (let line = 1; line <= 1 + next(4); line++) {
        const product = next(PRODUCTS)
        items.push(`(${index + 1}, ${line}, ${product + 1}, ${1 + next(3)}, ${prices[product] ?? 0})`)
      }
      return `(${index + 1}, ${1 + next(USERS)}, '${day(30 + next(300))}')`
    }),
  )
  yield* inserts('order_items (order_id, line, product_id, quantity, price_cents)', items)
}

export default defineRevision({
  id: '5f08ad3c9e61',
  parents: ['71c6d90be2f8'],
  message: 'open the shop: products, users, a year of orders',

  // Nothing is inserted here: the statements are collected, and can be printed, planned and checked before they run.
  up(op) {
    for (const statement of shop()) op.sql(statement)
  },

  down(op) {
    for (const table of ['order_items', 'orders', 'users', 'products', 'categories']) {
      op.sql`DELETE FROM ${op.raw(table)}`
    }
  },
})
