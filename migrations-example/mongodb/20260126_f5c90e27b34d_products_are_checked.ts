import { defineRevision } from 'revgraph'

export default defineRevision({
  id: 'f5c90e27b34d',
  parents: ['a8f37c1e0d95'],
  message: 'products have a number and a price',
  change(op) {
    op.mongo.validator('products', { sku: { $type: 'string' }, priceCents: { $gte: 0 } }, { was: null })
  },
})
