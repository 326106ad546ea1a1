-- A name server's tables as they stood before version 3.4, with DNSSEC: as much as its updates touch.

CREATE TABLE domains (
  id              int NOT NULL AUTO_INCREMENT,
  name            varchar(255) NOT NULL,
  master          varchar(128),
  last_check      int,
  type            varchar(6) NOT NULL,
  notified_serial int,
  account         varchar(40),
  PRIMARY KEY (id),
  UNIQUE KEY name_index (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET latin1;

CREATE TABLE records (
  id          int NOT NULL AUTO_INCREMENT,
  domain_id   int,
  name        varchar(255),
  type        varchar(6),
  content     varchar(255),
  ttl         int,
  prio        int,
  change_date int,
  ordername   varchar(255),
  auth        bool,
  PRIMARY KEY (id),
  KEY recordorder (domain_id, ordername)
) ENGINE=InnoDB DEFAULT CHARACTER SET latin1;

CREATE TABLE supermasters (
  ip         varchar(25) NOT NULL,
  nameserver varchar(255) NOT NULL,
  account    varchar(40)
) ENGINE=InnoDB DEFAULT CHARACTER SET latin1;

CREATE TABLE domainmetadata (
  id        int NOT NULL AUTO_INCREMENT,
  domain_id int NOT NULL,
  kind      varchar(16),
  content   text,
  PRIMARY KEY (id),
  KEY domainmetaidindex (domain_id)
) ENGINE=MyISAM DEFAULT CHARACTER SET latin1;

CREATE TABLE cryptokeys (
  id        int NOT NULL AUTO_INCREMENT,
  domain_id int NOT NULL,
  flags     int NOT NULL,
  active    bool,
  content   text,
  PRIMARY KEY (id),
  KEY domainidindex (domain_id)
) ENGINE=MyISAM DEFAULT CHARACTER SET latin1;

CREATE TABLE tsigkeys (
  id        int NOT NULL AUTO_INCREMENT,
  name      varchar(255),
  algorithm varchar(255),
  secret    varchar(255),
  PRIMARY KEY (id)
) ENGINE=MyISAM DEFAULT CHARACTER SET latin1;

INSERT INTO domains (name, type, notified_serial) VALUES ('example.org', 'MASTER', 7), ('example.net', 'NATIVE', 1);
INSERT INTO records (domain_id, name, type, content, ttl, change_date, auth)
VALUES (1, 'example.org', 'A', '192.0.2.1', 3600, 1, true), (1, 'www.example.org', 'TXT', 'it\'s; "here"', 60, 2, false);
INSERT INTO supermasters VALUES ('192.0.2.53', 'ns1.example.org', 'somebody');
INSERT INTO cryptokeys (domain_id, flags, active, content) VALUES (1, 257, true, 'Private-key\nAlgorithm: 13');
