-- A mail client's tables as they stood in its version 0.1: as much as its updates touch.

CREATE TABLE users (
  user_id integer NOT NULL PRIMARY KEY,
  username varchar(128) NOT NULL DEFAULT '',
  mail_host varchar(128) NOT NULL DEFAULT '',
  alias varchar(128) NOT NULL DEFAULT '',
  created datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  last_login datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  language varchar(5) NOT NULL DEFAULT 'en',
  preferences text NOT NULL DEFAULT ''
);

CREATE TABLE session (
  sess_id varchar(40) NOT NULL PRIMARY KEY,
  created datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  changed datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  ip varchar(15) NOT NULL DEFAULT '',
  vars text NOT NULL
);

CREATE TABLE identities (
  identity_id integer NOT NULL PRIMARY KEY,
  user_id integer NOT NULL DEFAULT 0,
  del tinyint NOT NULL DEFAULT 0,
  standard tinyint NOT NULL DEFAULT 0,
  name varchar(128) NOT NULL DEFAULT '',
  organization varchar(128) DEFAULT '',
  email varchar(128) NOT NULL DEFAULT '',
  "reply-to" varchar(128) NOT NULL DEFAULT '',
  bcc varchar(128) NOT NULL DEFAULT '',
  signature text NOT NULL DEFAULT '',
  html_signature tinyint NOT NULL DEFAULT 0
);
CREATE INDEX ix_identities_user_id ON identities (user_id);

CREATE TABLE contacts (
  contact_id integer NOT NULL PRIMARY KEY,
  user_id integer NOT NULL DEFAULT 0,
  changed datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  del tinyint NOT NULL DEFAULT 0,
  name varchar(128) NOT NULL DEFAULT '',
  email varchar(128) NOT NULL DEFAULT '',
  firstname varchar(128) NOT NULL DEFAULT '',
  surname varchar(128) NOT NULL DEFAULT '',
  vcard text NOT NULL DEFAULT ''
);
CREATE INDEX ix_contacts_user_id ON contacts (user_id);

CREATE TABLE cache (
  cache_id integer NOT NULL PRIMARY KEY,
  user_id integer NOT NULL DEFAULT 0,
  cache_key varchar(128) NOT NULL DEFAULT '',
  created datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  data text NOT NULL
);

CREATE TABLE messages (message_id integer NOT NULL PRIMARY KEY, user_id integer NOT NULL DEFAULT 0);

INSERT INTO users (username, mail_host, alias, created, preferences)
VALUES ('ann', 'example.org', 'a', '2008-01-01 10:00', 'a:1:{s:3:"key";s:2:"it''s";}'),
       ('bob', 'example.org', 'b', '2008-01-01 11:00', '');
INSERT INTO session VALUES ('5e55', '2008-01-01 10:00', '2008-01-01 10:00', '192.0.2.7', 'x');
INSERT INTO identities (user_id, name, email, signature) VALUES (1, 'Ann', 'ann@example.org', 'Ann; with # and -- signs');
INSERT INTO contacts (user_id, changed, name, email) VALUES (1, '2008-01-01 12:00', 'Žofie; née', 'zofie@example.org');
-- Nobody's: the foreign keys of the last updates have them deleted.
INSERT INTO contacts (user_id, name) VALUES (99, 'nobody''s');
INSERT INTO messages VALUES (1, 2);
