import { defineRevision } from 'revgraph'

export default defineRevision({
  id: '47b2c09ae6d3',
  parents: ['90fa53c6d8e1'],
  message: 'how often a thing is in a cart',
  change(op) {
    op.redis.function(`#!lua name=shop_carts
redis.register_function{
  function_name = 'shop_count',
  callback = function(keys, args)
    local count = 0
    for _, thing in ipairs(redis.call('LRANGE', keys[1], 0, -1)) do
      if thing == args[1] then count = count + 1 end
    end
    return count
  end,
  flags = {'no-writes'}
}`)
    op.redis.command(['SET', 'shop:carts:since', '2026-02-04'], { reverse: ['DEL', 'shop:carts:since'] })
  },
})
