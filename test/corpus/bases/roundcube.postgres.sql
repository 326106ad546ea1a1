-- A mail client's tables as they stood in its version 0.1: as much as its updates touch.

CREATE SEQUENCE user_ids;
CREATE TABLE users (
  user_id     integer DEFAULT nextval('user_ids'::text) PRIMARY KEY,
  username    varchar(128) NOT NULL DEFAULT '',
  mail_host   varchar(128) NOT NULL DEFAULT '',
  alias       varchar(128) NOT NULL DEFAULT '',
  created     timestamptz NOT NULL DEFAULT now(),
  last_login  timestamptz NOT NULL DEFAULT now(),
  language    varchar(5) NOT NULL DEFAULT 'en',
  preferences text NOT NULL DEFAULT ''
);

CREATE TABLE session (
  sess_id varchar(40) PRIMARY KEY,
  created timestamptz NOT NULL DEFAULT now(),
  changed timestamptz NOT NULL DEFAULT now(),
  ip      varchar(41) NOT NULL,
  vars    text NOT NULL
);

CREATE SEQUENCE identity_ids;
CREATE TABLE identities (
  identity_id    integer DEFAULT nextval('identity_ids'::text) PRIMARY KEY,
  user_id        integer NOT NULL REFERENCES users,
  del            integer NOT NULL DEFAULT 0,
  standard       integer NOT NULL DEFAULT 0,
  name           varchar(128) NOT NULL,
  organization   varchar(128),
  email          varchar(128) NOT NULL,
  "reply-to"     varchar(128),
  bcc            varchar(128),
  signature      text,
  html_signature integer NOT NULL DEFAULT 0
);

CREATE SEQUENCE contact_ids;
CREATE TABLE contacts (
  contact_id integer DEFAULT nextval('contact_ids'::text) PRIMARY KEY,
  user_id    integer NOT NULL REFERENCES users,
  changed    timestamptz NOT NULL DEFAULT now(),
  del        integer NOT NULL DEFAULT 0,
  name       varchar(128) NOT NULL DEFAULT '',
  email      varchar(128) NOT NULL DEFAULT '',
  firstname  varchar(128) NOT NULL DEFAULT '',
  surname    varchar(128) NOT NULL DEFAULT '',
  vcard      text
);

CREATE SEQUENCE cache_ids;
CREATE TABLE cache (
  cache_id   integer DEFAULT nextval('cache_ids'::text) PRIMARY KEY,
  user_id    integer NOT NULL REFERENCES users,
  session_id varchar(40) REFERENCES session,
  cache_key  varchar(128) NOT NULL DEFAULT '',
  created    timestamptz NOT NULL DEFAULT now(),
  data       text NOT NULL
);

CREATE SEQUENCE message_ids;
CREATE TABLE messages (
  message_id integer DEFAULT nextval('message_ids'::text) PRIMARY KEY,
  user_id    integer NOT NULL REFERENCES users,
  del        integer NOT NULL DEFAULT 0,
  cache_key  varchar(128) NOT NULL DEFAULT '',
  created    timestamptz NOT NULL DEFAULT now(),
  idx        integer NOT NULL DEFAULT 0,
  uid        integer NOT NULL DEFAULT 0,
  subject    varchar(128) NOT NULL DEFAULT ''
);

INSERT INTO users (username, mail_host, alias, created, last_login, preferences)
VALUES ('ann', 'example.org', 'a', '2008-01-01 10:00+00', '2008-01-02 10:00+00', 'a:1:{s:3:"key";s:2:"it''s";}'),
       ('bob', 'example.org', 'b', '2008-01-01 11:00+00', '2008-01-02 11:00+00', '');
INSERT INTO session VALUES ('5e55', '2008-01-01 10:00+00', '2008-01-01 10:00+00', '192.0.2.7', 'x');
INSERT INTO identities (user_id, name, email) VALUES (1, 'Ann', 'ann@example.org');
INSERT INTO contacts (user_id, changed, name, email, vcard)
VALUES (1, '2008-01-01 12:00+00', 'Žofie; née', 'zofie@example.org', E'BEGIN:VCARD\nEND:VCARD');
INSERT INTO messages (user_id, uid, subject) VALUES (2, 1, 'gone soon');
