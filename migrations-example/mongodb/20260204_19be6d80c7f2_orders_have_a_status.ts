import { defineRevision } from 'revgraph'

const LATE = { orderedAt: { $gte: new Date('2026-02-20') } }

export default defineRevision({
  id: '19be6d80c7f2',
  parents: ['f5c90e27b34d'],
  message: 'orders have a status, and those that are open are found',
  change(op) {
    op.mongo.updateMany(
      'orders',
      {},
      { $set: { status: 'shipped' } },
      { reverse: [{}, { $unset: { status: '' } }] },
    )
    op.mongo.updateMany(
      'orders',
      LATE,
      { $set: { status: 'open' } },
      { reverse: [LATE, { $set: { status: 'shipped' } }] },
    )
    op.mongo
      .index('orders')
      .create(
        { status: 1, orderedAt: 1 },
        { name: 'open_orders', partialFilterExpression: { status: 'open' } },
      )
  },
})
