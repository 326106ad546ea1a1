import type { Database } from 'better-sqlite3'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { ClientBase } from 'pg'
import { defineRevision } from 'revgraph'

const WEEK = `SELECT id, user_id FROM orders WHERE ordered_on BETWEEN '2026-03-02' AND '2026-03-08'`
const STEP = 'explain the orders of a week'

export default defineRevision({
  id: 'b37e41d0a8c5',
  parents: ['5f08ad3c9e61'],
  message: 'find orders by day',

  up(op) {
    op.sql`CREATE INDEX orders_by_day ON orders (ordered_on, user_id)`

    // Only what must look at the database is a step of code. It is handed the driver's own client, so that each
    // database is asked in its driver's way; and each explains in a form of its own.
    if (op.dialect === 'sqlite') {
      op.run<Database>(STEP, ({ client, log }) => {
        const plan = client.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${WEEK}`).all()
        for (const { detail } of plan) log(`plan: ${detail}`)
      })
    } else if (op.dialect === 'postgres') {
      op.run<ClientBase>(STEP, async ({ client, log }) => {
        const plan = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (COSTS OFF) ${WEEK}`)
        for (const row of plan.rows) log(`plan: ${row['QUERY PLAN'].trim()}`)
      })
    } else {
      op.run<Connection>(STEP, async ({ client, log }) => {
        const [plan] = await client.query<RowDataPacket[]>(`EXPLAIN ${WEEK}`)
        for (const row of plan) log(`plan: ${Object.values<unknown>(row).join(' ').trim()}`)
      })
    }
  },

  down(op) {
    if (op.dialect === 'mysql' || op.dialect === 'mariadb') op.sql`DROP INDEX orders_by_day ON orders`
    else op.sql`DROP INDEX orders_by_day`
  },
})
