import { defineRevision } from 'revgraph'

const THINGS = ['basket', 'box', 'case', 'kit', 'lamp', 'set', 'stand', 'tray']
const PRODUCTS = 40
const ORDERS = 200
const DAY = 24 * 60 * 60 * 1000

/** The same each time, so that the checksum of the revision is. */
const product = (number: number) => ({
  _id: number,
  sku: `P-${String(number).padStart(4, '0')}`,
  name: `${THINGS[number % THINGS.length] ?? ''} ${number}`,
  priceCents: 500 + ((number * 137) % 4500),
})

const order = (number: number) => ({
  _id: number,
  user: 1 + (number % 25),
  orderedAt: new Date(Date.UTC(2026, 0, 1) + (number % 60) * DAY),
  items: [{ product: 1 + (number % PRODUCTS), quantity: 1 + (number % 3) }],
})

const each = <T>(count: number, make: (number: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index + 1))

export default defineRevision({
  id: '6d02b8e4f1a7',
  message: 'open the shop: catalogue and orders',
  change(op) {
    op.mongo.createCollection('products')
    op.mongo.index('products').create({ sku: 1 }, { unique: true })
    op.mongo.insertMany('products', each(PRODUCTS, product))
    op.mongo.createCollection('orders')
    op.mongo.insertMany('orders', each(ORDERS, order))
  },
})
