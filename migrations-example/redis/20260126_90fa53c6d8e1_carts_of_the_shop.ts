import { defineRevision } from 'revgraph'

// The blog of the shop has carts as well, of another kind: the names say from now on whose they are.
export default defineRevision({
  id: '90fa53c6d8e1',
  parents: ['e1d84f6b27c0'],
  message: 'the names of carts say whose they are',
  change(op) {
    op.redis.keys('cart:*', { rate: 20_000 }).rename('shop:cart:*')
    op.redis.keys('session:*').transform("redis.call('HSET', KEYS[1], 'version', 2)", {
      reverse: "redis.call('HDEL', KEYS[1], 'version')",
    })
  },
})
