-- A mail client's tables as they stood in its version 0.1: as much as its updates touch.

CREATE TABLE users (
  user_id     int unsigned NOT NULL AUTO_INCREMENT,
  username    varchar(128) NOT NULL,
  mail_host   varchar(128) NOT NULL,
  alias       varchar(128) NOT NULL,
  created     datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  last_login  datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  language    varchar(5) NOT NULL DEFAULT 'en',
  preferences text,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB;

CREATE TABLE session (
  sess_id varchar(40) NOT NULL,
  created datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  changed datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  ip      varchar(15) NOT NULL,
  vars    text NOT NULL,
  PRIMARY KEY (sess_id)
) ENGINE=InnoDB;

CREATE TABLE identities (
  identity_id    int unsigned NOT NULL AUTO_INCREMENT,
  user_id        int unsigned NOT NULL DEFAULT 0,
  del            tinyint(1) NOT NULL DEFAULT 0,
  standard       tinyint(1) NOT NULL DEFAULT 0,
  name           varchar(128) NOT NULL,
  organization   varchar(128),
  email          varchar(128) NOT NULL,
  `reply-to`     varchar(128),
  bcc            varchar(128),
  signature      text NOT NULL,
  html_signature tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (identity_id),
  CONSTRAINT user_id_fk_identities FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE contacts (
  contact_id int unsigned NOT NULL AUTO_INCREMENT,
  user_id    int unsigned NOT NULL DEFAULT 0,
  changed    datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  del        tinyint(1) NOT NULL DEFAULT 0,
  name       varchar(128) NOT NULL,
  email      varchar(128) NOT NULL,
  firstname  varchar(128) NOT NULL,
  surname    varchar(128) NOT NULL,
  vcard      text,
  PRIMARY KEY (contact_id),
  CONSTRAINT user_id_fk_contacts FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE cache (
  cache_id   int unsigned NOT NULL AUTO_INCREMENT,
  user_id    int unsigned NOT NULL DEFAULT 0,
  session_id varchar(40),
  cache_key  varchar(128) NOT NULL,
  created    datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  data       longtext NOT NULL,
  PRIMARY KEY (cache_id),
  KEY cache_key (cache_key),
  KEY session_id (session_id),
  CONSTRAINT user_id_fk_cache FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE messages (
  message_id int unsigned NOT NULL AUTO_INCREMENT,
  user_id    int unsigned NOT NULL DEFAULT 0,
  del        tinyint(1) NOT NULL DEFAULT 0,
  cache_key  varchar(128) NOT NULL,
  created    datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  idx        int unsigned NOT NULL DEFAULT 0,
  uid        int unsigned NOT NULL DEFAULT 0,
  subject    varchar(255) NOT NULL,
  PRIMARY KEY (message_id),
  KEY idx (idx),
  KEY uid (uid),
  CONSTRAINT user_id_fk_messages FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE
) ENGINE=InnoDB;

INSERT INTO users (username, mail_host, alias, created, preferences)
VALUES ('ann', 'example.org', 'a', '2008-01-01 10:00', 'a:1:{s:3:"key";s:2:"it\'s";}'),
       ('bob', 'example.org', 'b', '2008-01-01 11:00', '');
INSERT INTO session VALUES ('5e55', '2008-01-01 10:00', '2008-01-01 10:00', '192.0.2.7', 'x');
INSERT INTO identities (user_id, name, email, `reply-to`, organization, bcc, signature)
VALUES (1, 'Ann', 'ann@example.org', '', '', '', 'Ann; with # and -- signs');
INSERT INTO contacts (user_id, changed, name, email, firstname, surname, vcard)
VALUES (1, '2008-01-01 12:00', 'Žofie; née', 'zofie@example.org', '', '', 'BEGIN:VCARD\nEND:VCARD');
INSERT INTO messages (user_id, cache_key, uid, subject) VALUES (2, 'k', 1, 'gone soon');
