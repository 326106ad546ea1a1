-- A name server's tables as they stood before version 3.4, with DNSSEC: as much as its updates touch.

CREATE TABLE domains (
  id              serial PRIMARY KEY,
  name            varchar(255) NOT NULL,
  master          varchar(128),
  last_check      int,
  type            varchar(6) NOT NULL,
  notified_serial int,
  account         varchar(40)
);

CREATE TABLE records (
  id          serial PRIMARY KEY,
  domain_id   int REFERENCES domains (id) ON DELETE CASCADE,
  name        varchar(255),
  type        varchar(6),
  content     varchar(255),
  ttl         int,
  prio        int,
  change_date int,
  ordername   varchar(255),
  auth        bool
);
CREATE INDEX orderindex ON records (ordername);

CREATE TABLE supermasters (
  ip         varchar(25) NOT NULL,
  nameserver varchar(255) NOT NULL,
  account    varchar(40)
);

CREATE TABLE domainmetadata (
  id        serial PRIMARY KEY,
  domain_id int REFERENCES domains (id) ON DELETE CASCADE,
  kind      varchar(16),
  content   text
);

CREATE TABLE cryptokeys (
  id        serial PRIMARY KEY,
  domain_id int REFERENCES domains (id) ON DELETE CASCADE,
  flags     int NOT NULL,
  active    bool,
  content   text
);

CREATE TABLE tsigkeys (
  id        serial PRIMARY KEY,
  name      varchar(255),
  algorithm varchar(255),
  secret    varchar(255)
);

INSERT INTO domains (name, type, notified_serial) VALUES ('example.org', 'MASTER', 7), ('example.net', 'NATIVE', -1);
INSERT INTO records (domain_id, name, type, content, ttl, change_date, auth)
VALUES (1, 'example.org', 'A', '192.0.2.1', 3600, 1, true), (1, 'www.example.org', 'TXT', 'it''s; "here"', 60, 2, false);
INSERT INTO supermasters VALUES ('192.0.2.53', 'ns1.example.org', 'somebody');
INSERT INTO cryptokeys (domain_id, flags, active, content) VALUES (1, 257, true, E'Private-key\nAlgorithm: 13');
