import { defineRevision } from 'revgraph'

const THINGS = ['basket', 'box', 'case', 'kit', 'lamp', 'set', 'stand', 'tray']
const USERS = 40

/** The same each time, so that the checksum of the revision is. */
const cart = (user: number): string[] =>
  Array.from({ length: 1 + (user % 4) }, (_, line) => THINGS[(user * 3 + line) % THINGS.length] ?? '')

export default defineRevision({
  id: '3c7be5a0914f',
  message: 'open the shop: sessions and carts',
  up(op) {
    for (let user = 1; user <= USERS; user += 1) {
      op.redis.command(['HSET', `session:${user}`, 'user', user, 'seen', 1_768_780_800 + 60 * user])
      op.redis.command(['RPUSH', `cart:${user}`, ...cart(user)])
    }
  },
  down(op) {
    op.redis.keys('cart:*').delete()
    op.redis.keys('session:*').delete()
  },
})
