import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  blotSecrets,
  hasPassword,
  maskKnown,
  maskLogins,
  maskQuoted,
  maskSecrets,
  maskWord,
  secretsOf,
} from '../../src/core/mask.js'
import { parseDuration } from '../../src/core/duration.js'

describe('a text is shown without', () => {
  it.each([
    ['postgres://me:s3cret@db/app', 'postgres://me:***@db/app'],
    ['postgres://me:p@ss/wo?rd#@db:5432/app', 'postgres://me:***@db:5432/app'],
    ['mysql://:s3cret@db', 'mysql://:***@db'],
    ['postgres://me@db/a:b@c', 'postgres://me@db/a:b@c'],
    ['postgres://db:5432/app', 'postgres://db:5432/app'],
    ['see http://a:b@c, then redis://:d@e/0', 'see http://a:***@c, then redis://:***@e/0'],
    [
      '{"url":"postgres://a:b@h","other":"postgres://c:d@h"}',
      '{"url":"postgres://a:***@h","other":"postgres://c:***@h"}',
    ],
    ['a://u:p@h,b://u:q@h', 'a://u:***@h,b://u:***@h'],
    [
      'postgres://db/app?password=x1&sslmode=require&sslpassword=y2',
      'postgres://db/app?password=***&sslmode=require&sslpassword=***',
    ],
    ['host=db password=s3cret user=me', 'host=db password=*** user=me'],
    ["host=db password='s3 \\' cret' user=me", "host=db password='***' user=me"],
    ['{"password": "s3\\"cret", "authToken":"t"}', '{"password": "***", "authToken":"***"}'],
    ['PGPASSWORD=abc psql', 'PGPASSWORD=*** psql'],
    ['password authentication failed for user "me"', 'password authentication failed for user "me"'],
    [
      "migrate --url 'postgres://me:s3 cret@db/app' upgrade",
      "migrate --url 'postgres://me:***@db/app' upgrade",
    ],
    [`{"url":"postgres://me:s3 cr'et@db","to":"a@b"}`, `{"url":"postgres://me:***@db","to":"a@b"}`],
    ['nothing to hide', 'nothing to hide'],
  ])('secrets: %s', (text, masked) => {
    expect(maskSecrets(text)).toBe(masked)
  })

  it('a password with blanks and quotes, where the whole word is a URL', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 3 }).filter((text) => !text.includes('://')),
        fc.constantFrom('', '--url=', '-u'),
        (password, option) => {
          const word = `${option}postgres://:${password}@h`
          expect(maskWord(word)).toBe(`${option}postgres://:***@h`)
          expect(secretsOf(word)).toContain(password)
          expect(hasPassword(word)).toBe(true)
        },
      ),
    )
    expect(maskWord("mysql://me@h/a?password=it's mine&b=c")).toBe('mysql://me@h/a?password=***&b=c')
    expect(maskWord('say http://h/a to me:you@home')).toBe('say http://h/a to me:you@home')
  })

  it('any password of any URL', () => {
    const user = fc.stringMatching(/^[a-z]{0,8}$/)
    const secret = fc
      .string({ unit: 'grapheme', minLength: 4, maxLength: 30 })
      .filter((text) => !/[\s"'`<>]/.test(text) && !text.includes('://'))
    const login = fc.record({
      name: user,
      password: secret,
      before: fc.constantFrom('', 'cannot connect to ', '\n'),
    })
    const told = login.map(({ name, password, before }) => ({
      url: `postgres://${name}:${password}@db.example/app`,
      password,
      before,
      masked: `${before}postgres://${name}:***@db.example/app now`,
    }))
    // Who has the name of somebody, or a word around the URL, as a password, has it in what is rightly shown.
    const tame = told.filter(({ password, masked }) => !masked.includes(password))
    fc.assert(
      fc.property(tame, ({ url, password, before, masked }) => {
        expect(maskSecrets(`${before}${url} now`)).toBe(masked)
        expect(maskSecrets(masked)).toBe(masked)
        expect(secretsOf(url)).toContain(password)
        expect(hasPassword(url)).toBe(true)
      }),
    )
  })

  it('secrets that are known, encoded or not, and leaves the rest', () => {
    expect(maskKnown('login "a b+c" or a%20b%2Bc failed', ['a b+c', 'x'])).toBe('login "***" or *** failed')
    expect(maskKnown('a lone \ud800', ['\ud800abc'])).toBe('a lone \ud800')
    expect(secretsOf('postgres://me:a%20b@db')).toEqual(['a%20b', 'a b'])
    expect(secretsOf('postgres://me:100%@db')).toEqual(['100%'])
    expect(secretsOf('sqlite:x.db')).toEqual([])
    expect(secretsOf('postgres://me:s3cret@db/app?application_name=a@b')).toContain('s3cret')
    expect(maskKnown('{"a":"s3\\"cr\\\\et"}', ['s3"cr\\et'])).toBe('{"a":"***"}')
  })
})

it.each([
  ['500ms', 500],
  ['5s', 5000],
  ['5', 5000],
  ['0', 0],
  ['0.2ms', 1],
  ['1.5ms', 2],
  ['0.07s', 70],
  [' 1.5 m ', 90_000],
  ['2min', 120_000],
  ['1h', 3_600_000],
  ['', null],
  ['soon', null],
  ['-1s', null],
  ['5 days', null],
  ['1000h', null],
])('the time %j is %s milliseconds', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds)
})

it.each([
  ['letters', 'a'],
  ['words that are names of secrets', 'token'],
  ['schemes', 'a://'],
  ['marks of options', '?a'],
  ['a quote that is never closed', 'password="\\'],
])('a long text of %s is read once', (_, unit) => {
  // Read anew from each place, this would take hours: the test would not end.
  const text = unit.repeat(2_000_000 / unit.length)
  expect(maskSecrets(`${text} postgres://me:s3cret@db`)).not.toContain('s3cret')
})

it.each([
  ["PASSWORD 's3cret' x", "PASSWORD '***' x"],
  ['a "s3cret" `s3cret`, $$s3cret$$ b', 'a "***" `***`, $$***$$ b'],
  ["a 'it''s s3cret' b", "a '***''***' b"],
  ["a 'C:\\', 's3cret' b", "a '***'…"],
  ["a 's3cret", "a '***'…"],
])('without anything in quotes, in whatever language: %s', (text, shown) => {
  expect(maskQuoted(text)).toBe(shown)
})

it.each([
  ['url: postgres://me:s3 cr@db # me\ndir: a', 'url: postgres://me:*****@db # me\ndir: a'],
  ['{ "url": "postgres://me:s3cr@db", "by": "a@b" }', '{ "url": "postgres://me:****@db", "by": "a@b" }'],
  ["password: 'it is' # a", "password: '** **' * *"],
])('without passwords, and with every column where it is: %s', (text, shown) => {
  expect(blotSecrets(text)).toBe(shown)
})

it.each(["'", '"a', '$a$b', '$', "\\'"])('a long statement of %s is read once', (unit) => {
  const text = unit.repeat(2_000_000 / unit.length)
  expect(maskQuoted(`${text}; PASSWORD 's3cret'`).length).toBeLessThan(20_000_000)
})

it("a token among MongoDB's properties is one of the secrets of its URL, and is masked", () => {
  const url =
    'mongodb://h/db?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:s3cret%2Fx,A:b&w=1'
  expect(secretsOf(url)).toContain('s3cret/x')
  expect(maskSecrets(`at ${url} now`)).toBe(
    'at mongodb://h/db?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:***,A:b&w=1 now',
  )
})

it('an example of a URL keeps the word that stands for a password, and nothing else does', () => {
  const text = 'type redis://:password@host, not redis://:passwords@host or a://me:s3cret@db'
  expect(maskLogins(text, 'password')).toBe(
    'type redis://:password@host, not redis://:***@host or a://me:***@db',
  )
  expect(maskLogins('a://me:password@db')).toBe('a://me:***@db')
})
