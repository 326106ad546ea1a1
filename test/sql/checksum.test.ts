import { expect, test } from 'vitest'
import { stripForChecksum, type SqlDialect } from '../../src/sql/index.js'

test.each<[string, SqlDialect, string]>([
  ['', 'sqlite', ''],
  ['-- a\n;; /* b */', 'postgres', ''],
  ['\uFEFF-- a\r\nSELECT 1  ;\r\n\r\n-- b\r\nSELECT\t2 -- c', 'postgres', 'SELECT 1;\nSELECT 2'],
  [
    'CREATE TABLE t (\n  -- the key\n  a int, -- b\n\n  b  text /* c */\n)',
    'sqlite',
    'CREATE TABLE t (a int,b text)',
  ],
  ["SELECT 'a  -- b\r\n ;', $$ /* c */  $$", 'postgres', "SELECT 'a  -- b\n ;',$$ /* c */  $$"],
  ["SELECT 'a' -- c\n 'b', E'a'\n'b'", 'postgres', "SELECT 'a'\n'b',E'a'\n'b'"],
  ['SELECT /*+ HINT(a  b) */ 1 /* no */ + 2 /*+ last */;', 'mysql', 'SELECT /*+ HINT(a  b) */ 1 + 2'],
  ['/*!40101 SET  a = 1 */ ; # b', 'mysql', '/*!40101 SET a = 1 */'],
  ['SELECT 5--/**/1', 'mysql', 'SELECT 5--1'],
  ['SELECT 5 - /**/ -1, a/**/b', 'postgres', 'SELECT 5 - -1,a b'],
  [
    'DELIMITER //\nCREATE PROCEDURE p()\nBEGIN\n  SELECT 1; -- a\n  SELECT 2;\nEND;\n//\nDELIMITER ;\nSELECT 3',
    'mysql',
    'CREATE PROCEDURE p()\nBEGIN\nSELECT 1;\nSELECT 2;\nEND;\nSELECT 3',
  ],
  [
    'COPY t FROM stdin; -- a\r\n1  \r\n2\r\n\\.\r\n\\restrict x\r\nSELECT 1',
    'postgres',
    'COPY t FROM stdin;\n1  \n2\n\\.\nSELECT 1',
  ],
  [
    'COPY t FROM stdin;\n\\.\nCOPY u FROM stdin;\n\\.\n',
    'postgres',
    'COPY t FROM stdin;\n\\.\nCOPY u FROM stdin;\n\\.',
  ],
])('strips %j (%s)', (text, dialect, stripped) => {
  expect(stripForChecksum(text, dialect)).toBe(stripped)
  expect(stripForChecksum(stripped, dialect)).toBe(stripped)
})

test('tells apart what executes differently', () => {
  const texts = [
    'SELECT 1',
    'SELECT 2',
    "SELECT ' 1'",
    "SELECT '1'",
    'SELECT 1; SELECT 1',
    'SELECT a b',
    'SELECT ab',
  ]
  expect(new Set(texts.map((text) => stripForChecksum(text, 'postgres'))).size).toBe(texts.length)
})
