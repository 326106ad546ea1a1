/** Where a word stands in a text when it is there exactly once; letters' case makes no difference. */
export function onlyPlaceOf(word: string, text: string): number | undefined {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  // A word is no part of a longer one; a sign may stand next to anything.
  const before = /^[\w$]/.test(word) ? '(?<![\\w$])' : ''
  const behind = /[\w$]$/.test(word) ? '(?![\\w$])' : ''
  const found = text.matchAll(new RegExp(`${before}${escaped}${behind}`, 'gi'))
  const first = found.next()
  return first.done !== true && found.next().done === true ? first.value.index : undefined
}
