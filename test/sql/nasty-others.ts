type Case = [sql: string, statements: string[]]

/** Joins statements by semicolons: each must come out as it is. */
const all = (...statements: string[]): Case => [statements.join(';\n') + ';', statements]

/** For MySQL and MariaDB alike. */
export const NASTY_MYSQL: Case[] = [
  all('SELECT 5--1', 'SELECT 5--1--1', 'SELECT 2'),
  ['SELECT 1 -- a;\n;SELECT 2 --\n;SELECT 3 --\t;', ['SELECT 1', 'SELECT 2', 'SELECT 3']],
  ["# it's; a comment\nSELECT 1 # another;\n;", ['SELECT 1']],
  all("SELECT 'a\\';b', 'c''d;', '\\\\'", 'SELECT "a\\";b", "c""d;", \'"\'', "SELECT '\\\\\\';'"),
  all('SELECT `a;b`, `c``d;`, `\\`', 'SELECT 1'),
  ['/* a /* b; */ SELECT 1; /*/ ; */ SELECT 2 /**/;', ['SELECT 1', 'SELECT 2']],
  all("SELECT @'a;b', @`c;`, _utf8mb4'd;', x'3b', N'e;'", 'SELECT 1'),
  all('SELECT a$b, $c, 1a FROM t', 'SELECT 2'),
  all("SELECT /*+ MAX_EXECUTION_TIME(1) ; ' */ 1", 'SELECT 2'),
  all('/*!40101 SET NAMES utf8 */', "/*!40101 SET @a='x;*/y' */", 'SELECT 1 /*!99999 , 2 */'),
  all(
    '/*!50003 CREATE TRIGGER a BEFORE INSERT ON b FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END */',
    'SELECT 1',
  ),
  all(
    '/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER a BEFORE INSERT ON b FOR EACH ROW IF NEW.c THEN SET NEW.d = 1; END IF */',
    'SELECT 1',
  ),
  ['SELECT 1; /*!50003 */; /*! */', ['SELECT 1']],
  [
    'DELIMITER ;;\nSELECT 1;;\nSELECT 2 ;;\nDELIMITER ;\nSELECT 3;SELECT 4',
    ['SELECT 1', 'SELECT 2', 'SELECT 3', 'SELECT 4'],
  ],
  [
    'delimiter //\r\nCREATE PROCEDURE p()\r\nBEGIN\r\n  SELECT "//";\r\n  SELECT 1; -- //\r\nEND;\r\n//\r\nDelimiter ;\r\nSELECT 2',
    ['CREATE PROCEDURE p()\r\nBEGIN\r\n  SELECT "//";\r\n  SELECT 1; -- //\r\nEND', 'SELECT 2'],
  ],
  [
    'DELIMITER $$\nCREATE PROCEDURE p() BEGIN END$$\nSELECT a$b$$\nDELIMITER ;',
    ['CREATE PROCEDURE p() BEGIN END', 'SELECT a$b'],
  ],
  [
    "DELIMITER '|' x\nSELECT 1|SELECT 2 |\nDELIMITER ; -- back\nSELECT 3",
    ['SELECT 1', 'SELECT 2', 'SELECT 3'],
  ],
  [
    'DELIMITER go\nSELECT category, gone FROM t go\nSELECT 2\nGO\ngo',
    ['SELECT category, gone FROM t', 'SELECT 2\nGO'],
  ],
  [
    'DELIMITER //\nINSERT INTO t VALUES (1); INSERT INTO t VALUES (2);\n//',
    ['INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (2)'],
  ],
  [
    'DELIMITER //\nCREATE PROCEDURE p() SELECT 1\nDELIMITER ;\nSELECT 2',
    ['CREATE PROCEDURE p() SELECT 1', 'SELECT 2'],
  ],
  all('CREATE TABLE t (a int,\ndelimiter varchar(1))', 'SELECT\ndelimiter FROM t', 'SELECT 1'),
  ['SELECT 1\\G\nSELECT 2 \\g SELECT 3', ['SELECT 1', 'SELECT 2', 'SELECT 3']],
  all(
    'CREATE PROCEDURE p() SELECT 1',
    'CREATE PROCEDURE q(IN a INT, OUT b DECIMAL(10, 2)) SET b = a',
    'SELECT 1',
  ),
  all(
    "CREATE PROCEDURE p() COMMENT 'BEGIN;' LANGUAGE SQL NOT DETERMINISTIC SQL SECURITY INVOKER BEGIN SELECT 1; END",
    'SELECT 1',
  ),
  all('CREATE PROCEDURE p() INSERT INTO t SELECT CASE a WHEN 1 THEN 2 END, IF(a, 1, 2) FROM u', 'SELECT 1'),
  all(
    'CREATE PROCEDURE p(a INT) IF a THEN SELECT 1; ELSEIF IF(a, 1, 0) THEN SELECT 2; ELSE SELECT 3; END IF',
    'SELECT 1',
  ),
  all(
    'CREATE PROCEDURE p(a INT) CASE a WHEN CASE WHEN 1 THEN 2 END THEN SELECT 1; ELSE BEGIN END; END CASE',
    'SELECT 1',
  ),
  all(
    'CREATE PROCEDURE p() BEGIN l: LOOP LEAVE l; END LOOP l; WHILE a < 1 DO SET a = 1; END WHILE; END',
    'SELECT 1',
  ),
  all(
    'CREATE PROCEDURE p() outer_block: BEGIN REPEAT SET a = CASE WHEN 1 THEN 2 END; UNTIL CASE WHEN a THEN 1 END END REPEAT; END outer_block',
    'SELECT 1',
  ),
  all(
    "CREATE PROCEDURE p() BEGIN DECLARE done INT DEFAULT 0; DECLARE c CURSOR FOR SELECT 1; DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1; DECLARE EXIT HANDLER FOR SQLSTATE VALUE '23000', 1062, SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; OPEN c; END",
    'SELECT 1',
  ),
  all('CREATE PROCEDURE p() BEGIN START TRANSACTION; UPDATE t SET a = 1; COMMIT; END', 'SELECT 1'),
  all(
    'CREATE PROCEDURE p() BEGIN DROP TABLE IF EXISTS t; IF EXISTS (SELECT 1) THEN BEGIN END; END IF; END',
    'SELECT 1',
  ),
  all(
    'CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1',
    'CREATE FUNCTION g(a ENUM("x;")) RETURNS VARCHAR(10) CHARSET utf8mb4 READS SQL DATA BEGIN RETURN "a;"; END',
    'SELECT 1',
  ),
  all("CREATE FUNCTION f RETURNS STRING SONAME 'x.so'", 'SELECT 1'),
  all(
    "CREATE DEFINER = 'a;b'@'%' TRIGGER t AFTER UPDATE ON u FOR EACH ROW FOLLOWS v BEGIN SET @a = 1; END",
    'SELECT 1',
  ),
  all('CREATE TRIGGER t BEFORE DELETE ON u FOR EACH ROW DELETE FROM v WHERE a = OLD.a', 'SELECT 1'),
  all(
    'CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS NOW() ON COMPLETION PRESERVE COMMENT "DO BEGIN" DO BEGIN SELECT 1; END',
    'SELECT 1',
  ),
  all(
    'ALTER EVENT e ON SCHEDULE EVERY 2 DAY DO BEGIN SELECT 1; SELECT 2; END',
    'ALTER EVENT e DISABLE',
    'SELECT 1',
  ),
  all(
    'CREATE DEFINER=CURRENT_USER() SQL SECURITY INVOKER VIEW v AS SELECT 1',
    'SELECT CASE WHEN 1 THEN 2 END',
    'SELECT 1',
  ),
  all('CREATE TABLE `begin` (`case` int)', 'XA START "a;"', 'XA END "a;"', 'BEGIN', 'COMMIT'),
  all("CREATE PROCEDURE p() BEGIN /* END; */ SELECT 'END;'; -- END;\n # END;\n SELECT 1; END", 'SELECT 1'),
  all('CREATE PROCEDURE p() BEGIN /*!50000 SELECT 1; */ SELECT 2; END', 'SELECT 1'),
  all("PREPARE s FROM 'ALTER TABLE t ADD a INT; '", 'EXECUTE s', 'DEALLOCATE PREPARE s'),
]

export const NASTY_SQLITE: Case[] = [
  all("SELECT [a;b], [c'd], `e;f`, \"g;\"\"h\", 'i;''j'", 'SELECT 1'),
  all("SELECT x'3b', X'00'", "SELECT 'a\\'", 'SELECT 1'),
  ['SELECT 5--1;\n;SELECT 2', ['SELECT 5', 'SELECT 2']],
  ['/* a /* b; */ SELECT 1; SELECT 2', ['SELECT 1', 'SELECT 2']],
  all('SELECT :a, @b, $c, ?1, $d$e', 'SELECT 1'),
  all('CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END', 'SELECT 2'),
  all(
    'CREATE TEMP TRIGGER IF NOT EXISTS t UPDATE OF a ON u WHEN CASE new.a WHEN 1 THEN 2 END BEGIN UPDATE u SET a = CASE WHEN 1 THEN 2 END; DELETE FROM v; END',
    'SELECT 2',
  ),
  all(
    'create temporary trigger "begin" delete on u for each row begin select case when 1 then 2 end; select 1; end',
    'SELECT 2',
  ),
  all('CREATE TRIGGER t INSERT ON u BEGIN SELECT 1; -- END;\n /* END; */ SELECT "END;"; END', 'SELECT 2'),
  all('EXPLAIN QUERY PLAN SELECT 1', 'EXPLAIN CREATE TRIGGER t INSERT ON u BEGIN SELECT 1; END', 'SELECT 2'),
  all('BEGIN', 'SELECT 1', 'END', 'BEGIN IMMEDIATE', 'COMMIT'),
  all('CREATE TABLE "trigger" (a)', 'CREATE VIEW v AS SELECT CASE WHEN 1 THEN 2 END', 'SELECT 1'),
  ['CREATE TRIGGER broken ON; SELECT 1', ['CREATE TRIGGER broken ON', 'SELECT 1']],
]
