-- A monitor's tables as they stood in its version 2.0: as much as its updates touch.

CREATE TABLE icinga_customvariables (
  customvariable_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  varname varchar(64) CHARACTER SET latin1 DEFAULT '', object_id bigint unsigned DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE icinga_customvariablestatus (
  customvariablestatus_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  varname varchar(64) CHARACTER SET latin1 DEFAULT '',
  status_update_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_programstatus (
  programstatus_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  status_update_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  program_start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  program_end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_command_check timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_log_rotation timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  disable_notif_expire_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_contacts (
  contact_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alias varchar(64) CHARACTER SET latin1 DEFAULT '', instance_id bigint unsigned DEFAULT 0,
  KEY contacts_i_id_idx (instance_id)
) ENGINE=InnoDB;

CREATE TABLE icinga_hosts (
  host_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alias varchar(64) CHARACTER SET latin1 DEFAULT '', freshness_threshold smallint,
  instance_id bigint unsigned DEFAULT 0, KEY hosts_i_id_idx (instance_id)
) ENGINE=InnoDB;

CREATE TABLE icinga_servicedependencies (
  servicedependency_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  instance_id bigint unsigned DEFAULT 0, config_type smallint DEFAULT 0,
  service_object_id bigint unsigned DEFAULT 0, dependent_service_object_id bigint unsigned DEFAULT 0,
  dependency_type smallint DEFAULT 0, inherits_parent smallint DEFAULT 0, fail_on_ok smallint DEFAULT 0,
  fail_on_warning smallint DEFAULT 0, fail_on_unknown smallint DEFAULT 0,
  fail_on_critical smallint DEFAULT 0,
  UNIQUE KEY instance_id (instance_id, config_type, service_object_id, dependent_service_object_id, dependency_type, inherits_parent, fail_on_ok, fail_on_warning, fail_on_unknown, fail_on_critical)
) ENGINE=InnoDB;

CREATE TABLE icinga_hostdependencies (
  hostdependency_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  instance_id bigint unsigned DEFAULT 0, config_type smallint DEFAULT 0,
  host_object_id bigint unsigned DEFAULT 0, dependent_host_object_id bigint unsigned DEFAULT 0,
  dependency_type smallint DEFAULT 0, inherits_parent smallint DEFAULT 0, fail_on_up smallint DEFAULT 0,
  fail_on_down smallint DEFAULT 0, fail_on_unreachable smallint DEFAULT 0,
  UNIQUE KEY instance_id (instance_id, config_type, host_object_id, dependent_host_object_id, dependency_type, inherits_parent, fail_on_up, fail_on_down, fail_on_unreachable)
) ENGINE=InnoDB;

CREATE TABLE icinga_endpoints (
  endpoint_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  endpoint_object_id bigint unsigned DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE icinga_endpointstatus (
  endpointstatus_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  endpoint_object_id bigint unsigned DEFAULT 0,
  status_update_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_services (
  service_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, freshness_threshold smallint,
  instance_id bigint unsigned DEFAULT 0, KEY services_i_id_idx (instance_id)
) ENGINE=InnoDB;

CREATE TABLE icinga_servicestatus (
  servicestatus_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, check_source text,
  current_notification_number smallint DEFAULT 0,
  status_update_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_check timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  next_check timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_state_change timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_hard_state_change timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_time_ok timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_time_warning timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_time_unknown timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_time_critical timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_notification timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  next_notification timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_hoststatus (
  hoststatus_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, check_source text,
  current_notification_number smallint DEFAULT 0,
  status_update_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_check timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  next_check timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_state_change timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_hard_state_change timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_time_up timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_time_down timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_time_unreachable timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_notification timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  next_notification timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_comments (
  comment_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, object_id bigint unsigned DEFAULT 0,
  instance_id bigint unsigned DEFAULT 0, entry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  comment_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  expiration_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  UNIQUE KEY instance_id (instance_id, object_id, entry_time)
) ENGINE=InnoDB;

CREATE TABLE icinga_commenthistory (
  commenthistory_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  comment_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  expiration_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  deletion_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00', object_id bigint unsigned DEFAULT 0,
  instance_id bigint unsigned DEFAULT 0, UNIQUE KEY instance_id (instance_id, object_id, entry_time)
) ENGINE=InnoDB;

CREATE TABLE icinga_scheduleddowntime (
  scheduleddowntime_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  object_id bigint unsigned DEFAULT 0, instance_id bigint unsigned DEFAULT 0,
  entry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  scheduled_start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  scheduled_end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  actual_start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  trigger_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  UNIQUE KEY instance_id (instance_id, object_id, entry_time)
) ENGINE=InnoDB;

CREATE TABLE icinga_downtimehistory (
  downtimehistory_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  scheduled_start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  scheduled_end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  actual_start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  actual_end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  trigger_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00', object_id bigint unsigned DEFAULT 0,
  instance_id bigint unsigned DEFAULT 0, UNIQUE KEY instance_id (instance_id, object_id, entry_time)
) ENGINE=InnoDB;

CREATE TABLE icinga_contactgroups (
  contactgroup_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alias varchar(64) CHARACTER SET latin1 DEFAULT ''
) ENGINE=InnoDB;

CREATE TABLE icinga_hostgroups (
  hostgroup_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alias varchar(64) CHARACTER SET latin1 DEFAULT ''
) ENGINE=InnoDB;

CREATE TABLE icinga_servicegroups (
  servicegroup_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alias varchar(64) CHARACTER SET latin1 DEFAULT ''
) ENGINE=InnoDB;

CREATE TABLE icinga_timeperiods (
  timeperiod_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  alias varchar(64) CHARACTER SET latin1 DEFAULT ''
) ENGINE=InnoDB;

CREATE TABLE icinga_statehistory (
  statehistory_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  instance_id bigint unsigned DEFAULT 0, state_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_commands (
  command_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, instance_id bigint unsigned DEFAULT 0,
  KEY commands_i_id_idx (instance_id)
) ENGINE=InnoDB;

CREATE TABLE icinga_contactgroup_members (
  contactgroup_member_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  contact_object_id bigint unsigned DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE icinga_hostgroup_members (
  hostgroup_member_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  host_object_id bigint unsigned DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE icinga_servicegroup_members (
  servicegroup_member_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  service_object_id bigint unsigned DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE icinga_service_contacts (
  service_contact_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  service_id bigint unsigned DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE icinga_host_contacts (
  host_contact_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, host_id bigint unsigned DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE icinga_acknowledgements (
  acknowledgement_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_conninfo (
  conninfo_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  connect_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  disconnect_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_checkin_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  data_start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  data_end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_contactnotificationmethods (
  contactnotificationmethod_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_contactnotifications (
  contactnotification_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_contactstatus (
  contactstatus_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  status_update_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_host_notification timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  last_service_notification timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_eventhandlers (
  eventhandler_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_externalcommands (
  externalcommand_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_flappinghistory (
  flappinghistory_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  event_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  comment_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_hostchecks (
  hostcheck_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_logentries (
  logentry_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  logentry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  entry_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_notifications (
  notification_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_processevents (
  processevent_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  event_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_servicechecks (
  servicecheck_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_systemcommands (
  systemcommand_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  start_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  end_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'
) ENGINE=InnoDB;

CREATE TABLE icinga_objects (
  object_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name1 varchar(128) CHARACTER SET latin1 COLLATE latin1_general_cs DEFAULT '',
  name2 varchar(128) CHARACTER SET latin1 COLLATE latin1_general_cs
) ENGINE=InnoDB;

CREATE TABLE icinga_dbversion (
  dbversion_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(10) CHARACTER SET latin1 DEFAULT '', version varchar(10) CHARACTER SET latin1 DEFAULT '',
  create_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  modify_time timestamp NOT NULL DEFAULT '2000-01-01 00:00:00',
  UNIQUE KEY dbversion (name)
) ENGINE=InnoDB;

INSERT INTO icinga_objects (name1, name2) VALUES ('web', ''), ('web', 'ssh; "22"'), ('db', NULL);
INSERT INTO icinga_comments (object_id, entry_time) VALUES (2, '2014-07-01 12:00');
INSERT INTO icinga_hoststatus (check_source, last_check) VALUES ('this host', '2014-07-01 12:00');
