import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { BSON } from 'mongodb'

type Document = BSON.Document

/** A server's part of SCRAM-SHA-256 (RFC 7677), for one user. */
export class Scram {
  readonly #user: string
  readonly #salt = randomBytes(16)
  readonly #salted: Buffer
  /** What was said of each exchange, by its nonce. */
  readonly #begun = new Map<string, { readonly bare: string; readonly first: string }>()

  constructor(user: string, password: string) {
    this.#user = user
    this.#salted = pbkdf2Sync(password, this.#salt, 4_096, 32, 'sha256')
  }

  /** The answer to `saslStart`. */
  start({ mechanism, payload }: Document): Document {
    const bare = textOf(payload).replace(/^n,[^,]*,/, '')
    const fields = fieldsOf(bare)
    if (mechanism !== 'SCRAM-SHA-256' || fields.get('n') !== this.#user) return refused()
    const nonce = `${fields.get('r') ?? ''}${randomBytes(18).toString('base64')}`
    const first = `r=${nonce},s=${this.#salt.toString('base64')},i=4096`
    this.#begun.set(nonce, { bare, first })
    return { conversationId: 1, payload: Buffer.from(first), done: false, ok: 1 }
  }

  /** The answer to `saslContinue`. */
  go({ payload }: Document): Document {
    const last = textOf(payload)
    const fields = fieldsOf(last)
    const begun = this.#begun.get(fields.get('r') ?? '')
    if (begun === undefined) return refused()
    const said = `${begun.bare},${begun.first},${last.replace(/,p=.*$/, '')}`
    const clientKey = hmac(this.#salted, 'Client Key')
    const stored = createHash('sha256').update(clientKey).digest()
    const proof = xor(clientKey, hmac(stored, said)).toString('base64')
    if (proof !== fields.get('p')) return refused()
    const signature = hmac(hmac(this.#salted, 'Server Key'), said).toString('base64')
    return { conversationId: 1, payload: Buffer.from(`v=${signature}`), done: true, ok: 1 }
  }
}

const refused = (): Document => ({
  ...{ ok: 0, code: 18, codeName: 'AuthenticationFailed', errmsg: 'Authentication failed.' },
})

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)))
const fieldsOf = (text: string): Map<string, string> =>
  new Map(text.split(',').map((field) => [field.slice(0, 1), field.slice(2)]))

function textOf(payload: unknown): string {
  const { buffer } = payload as { readonly buffer?: Uint8Array }
  const bytes = payload instanceof Uint8Array ? payload : (buffer ?? new Uint8Array())
  return Buffer.from(bytes).toString('utf8')
}
