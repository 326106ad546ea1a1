/** Objects of CREATE, ALTER, DROP and COMMENT whose name is more than one word, longest first. */
export const LONG_OBJECTS: readonly (readonly string[])[] = [
  ['TEXT', 'SEARCH', 'CONFIGURATION'],
  ['TEXT', 'SEARCH', 'DICTIONARY'],
  ['TEXT', 'SEARCH', 'PARSER'],
  ['TEXT', 'SEARCH', 'TEMPLATE'],
  ['FOREIGN', 'DATA', 'WRAPPER'],
  ['SPATIAL', 'REFERENCE', 'SYSTEM'],
  ['MATERIALIZED', 'VIEW'],
  ['FOREIGN', 'TABLE'],
  ['EVENT', 'TRIGGER'],
  ['OPERATOR', 'CLASS'],
  ['OPERATOR', 'FAMILY'],
  ['ACCESS', 'METHOD'],
  ['USER', 'MAPPING'],
  ['VIRTUAL', 'TABLE'],
  ['DEFAULT', 'PRIVILEGES'],
  ['LARGE', 'OBJECT'],
  ['RESOURCE', 'GROUP'],
  ['LOGFILE', 'GROUP'],
  ['PACKAGE', 'BODY'],
]

/** Words between CREATE (or DROP, ALTER) and the object that leave the object what it is. */
export const MODIFIERS = new Set(
  (
    'LOCAL GLOBAL UNLOGGED FULLTEXT SPATIAL BITMAP RECURSIVE CONSTRAINT TRUSTED PROCEDURAL DEFAULT UNDO ' +
    'ONLINE OFFLINE IGNORE EXTERNAL AGGREGATE'
  ).split(' '),
)

/** Further names of one thing. */
export const OBJECT_ALIASES: Readonly<Record<string, string>> = { key: 'index' }
