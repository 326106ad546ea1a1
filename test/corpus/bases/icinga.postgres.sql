-- A monitor's tables as they stood in its version 2.0: as much as its updates touch.

CREATE TABLE icinga_programstatus (
  programstatus_id bigserial PRIMARY KEY, status_update_time timestamptz DEFAULT '1970-01-01',
  program_start_time timestamptz DEFAULT '1970-01-01', program_end_time timestamptz DEFAULT '1970-01-01',
  last_command_check timestamptz DEFAULT '1970-01-01', last_log_rotation timestamptz DEFAULT '1970-01-01',
  disable_notif_expire_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_customvariables (
  customvariable_id bigserial PRIMARY KEY, object_id bigint DEFAULT 0
);

CREATE TABLE icinga_customvariablestatus (
  customvariablestatus_id bigserial PRIMARY KEY, status_update_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_servicedependencies (
  servicedependency_id bigserial PRIMARY KEY, instance_id bigint DEFAULT 0, config_type integer DEFAULT 0,
  service_object_id bigint DEFAULT 0, dependent_service_object_id bigint DEFAULT 0,
  dependency_type integer DEFAULT 0, inherits_parent integer DEFAULT 0, fail_on_ok integer DEFAULT 0,
  fail_on_warning integer DEFAULT 0, fail_on_unknown integer DEFAULT 0, fail_on_critical integer DEFAULT 0,
  CONSTRAINT uq_servicedependencies UNIQUE (instance_id, config_type, service_object_id, dependent_service_object_id, dependency_type, inherits_parent, fail_on_ok, fail_on_warning, fail_on_unknown, fail_on_critical)
);

CREATE TABLE icinga_hostdependencies (
  hostdependency_id bigserial PRIMARY KEY, instance_id bigint DEFAULT 0, config_type integer DEFAULT 0,
  host_object_id bigint DEFAULT 0, dependent_host_object_id bigint DEFAULT 0,
  dependency_type integer DEFAULT 0, inherits_parent integer DEFAULT 0, fail_on_up integer DEFAULT 0,
  fail_on_down integer DEFAULT 0, fail_on_unreachable integer DEFAULT 0,
  CONSTRAINT uq_hostdependencies UNIQUE (instance_id, config_type, host_object_id, dependent_host_object_id, dependency_type, inherits_parent, fail_on_up, fail_on_down, fail_on_unreachable)
);

CREATE TABLE icinga_acknowledgements (
  acknowledgement_id bigserial PRIMARY KEY, entry_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_commenthistory (
  commenthistory_id bigserial PRIMARY KEY, entry_time timestamptz DEFAULT '1970-01-01',
  comment_time timestamptz DEFAULT '1970-01-01', expiration_time timestamptz DEFAULT '1970-01-01',
  deletion_time timestamptz DEFAULT '1970-01-01', object_id bigint DEFAULT 0, instance_id bigint DEFAULT 0,
  CONSTRAINT uq_commenthistory UNIQUE (instance_id, object_id, entry_time)
);

CREATE TABLE icinga_comments (
  comment_id bigserial PRIMARY KEY, entry_time timestamptz DEFAULT '1970-01-01',
  comment_time timestamptz DEFAULT '1970-01-01', expiration_time timestamptz DEFAULT '1970-01-01',
  object_id bigint DEFAULT 0, instance_id bigint DEFAULT 0,
  CONSTRAINT uq_comments UNIQUE (instance_id, object_id, entry_time)
);

CREATE TABLE icinga_conninfo (
  conninfo_id bigserial PRIMARY KEY, connect_time timestamptz DEFAULT '1970-01-01',
  disconnect_time timestamptz DEFAULT '1970-01-01', last_checkin_time timestamptz DEFAULT '1970-01-01',
  data_start_time timestamptz DEFAULT '1970-01-01', data_end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_contactnotificationmethods (
  contactnotificationmethod_id bigserial PRIMARY KEY, start_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_contactnotifications (
  contactnotification_id bigserial PRIMARY KEY, start_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_contactstatus (
  contactstatus_id bigserial PRIMARY KEY, status_update_time timestamptz DEFAULT '1970-01-01',
  last_host_notification timestamptz DEFAULT '1970-01-01',
  last_service_notification timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_downtimehistory (
  downtimehistory_id bigserial PRIMARY KEY, entry_time timestamptz DEFAULT '1970-01-01',
  scheduled_start_time timestamptz DEFAULT '1970-01-01',
  scheduled_end_time timestamptz DEFAULT '1970-01-01', actual_start_time timestamptz DEFAULT '1970-01-01',
  actual_end_time timestamptz DEFAULT '1970-01-01', trigger_time timestamptz DEFAULT '1970-01-01',
  object_id bigint DEFAULT 0, instance_id bigint DEFAULT 0,
  CONSTRAINT uq_downtimehistory UNIQUE (instance_id, object_id, entry_time)
);

CREATE TABLE icinga_eventhandlers (
  eventhandler_id bigserial PRIMARY KEY, start_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_externalcommands (
  externalcommand_id bigserial PRIMARY KEY, entry_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_flappinghistory (
  flappinghistory_id bigserial PRIMARY KEY, event_time timestamptz DEFAULT '1970-01-01',
  comment_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_hostchecks (
  hostcheck_id bigserial PRIMARY KEY, start_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_hoststatus (
  hoststatus_id bigserial PRIMARY KEY, status_update_time timestamptz DEFAULT '1970-01-01',
  last_check timestamptz DEFAULT '1970-01-01', next_check timestamptz DEFAULT '1970-01-01',
  last_state_change timestamptz DEFAULT '1970-01-01',
  last_hard_state_change timestamptz DEFAULT '1970-01-01', last_time_up timestamptz DEFAULT '1970-01-01',
  last_time_down timestamptz DEFAULT '1970-01-01', last_time_unreachable timestamptz DEFAULT '1970-01-01',
  last_notification timestamptz DEFAULT '1970-01-01', next_notification timestamptz DEFAULT '1970-01-01',
  check_source text
);

CREATE TABLE icinga_logentries (
  logentry_id bigserial PRIMARY KEY, logentry_time timestamptz DEFAULT '1970-01-01',
  entry_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_notifications (
  notification_id bigserial PRIMARY KEY, start_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_processevents (
  processevent_id bigserial PRIMARY KEY, event_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_scheduleddowntime (
  scheduleddowntime_id bigserial PRIMARY KEY, entry_time timestamptz DEFAULT '1970-01-01',
  scheduled_start_time timestamptz DEFAULT '1970-01-01',
  scheduled_end_time timestamptz DEFAULT '1970-01-01', actual_start_time timestamptz DEFAULT '1970-01-01',
  trigger_time timestamptz DEFAULT '1970-01-01', object_id bigint DEFAULT 0, instance_id bigint DEFAULT 0,
  CONSTRAINT uq_scheduleddowntime UNIQUE (instance_id, object_id, entry_time)
);

CREATE TABLE icinga_servicechecks (
  servicecheck_id bigserial PRIMARY KEY, start_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_servicestatus (
  servicestatus_id bigserial PRIMARY KEY, status_update_time timestamptz DEFAULT '1970-01-01',
  last_check timestamptz DEFAULT '1970-01-01', next_check timestamptz DEFAULT '1970-01-01',
  last_state_change timestamptz DEFAULT '1970-01-01',
  last_hard_state_change timestamptz DEFAULT '1970-01-01', last_time_ok timestamptz DEFAULT '1970-01-01',
  last_time_warning timestamptz DEFAULT '1970-01-01', last_time_unknown timestamptz DEFAULT '1970-01-01',
  last_time_critical timestamptz DEFAULT '1970-01-01', last_notification timestamptz DEFAULT '1970-01-01',
  next_notification timestamptz DEFAULT '1970-01-01', check_source text
);

CREATE TABLE icinga_statehistory (
  statehistory_id bigserial PRIMARY KEY, state_time timestamptz DEFAULT '1970-01-01', check_source text,
  instance_id bigint DEFAULT 0
);

CREATE TABLE icinga_systemcommands (
  systemcommand_id bigserial PRIMARY KEY, start_time timestamptz DEFAULT '1970-01-01',
  end_time timestamptz DEFAULT '1970-01-01'
);

CREATE TABLE icinga_endpointstatus (
  endpointstatus_id bigserial PRIMARY KEY, status_update_time timestamptz DEFAULT '1970-01-01',
  endpoint_object_id bigint DEFAULT 0
);

CREATE TABLE icinga_endpoints (
  endpoint_id bigserial PRIMARY KEY, endpoint_object_id bigint DEFAULT 0
);

CREATE TABLE icinga_commands (
  command_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_contactgroups (
  contactgroup_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_contacts (
  contact_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_hostgroups (
  hostgroup_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_hosts (
  host_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_servicegroups (
  servicegroup_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_services (
  service_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_timeperiods (
  timeperiod_id bigserial PRIMARY KEY
);

CREATE TABLE icinga_contactgroup_members (
  contactgroup_member_id bigserial PRIMARY KEY, contact_object_id bigint DEFAULT 0
);

CREATE TABLE icinga_hostgroup_members (
  hostgroup_member_id bigserial PRIMARY KEY, host_object_id bigint DEFAULT 0
);

CREATE TABLE icinga_servicegroup_members (
  servicegroup_member_id bigserial PRIMARY KEY, service_object_id bigint DEFAULT 0
);

CREATE TABLE icinga_service_contacts (
  service_contact_id bigserial PRIMARY KEY, service_id bigint DEFAULT 0
);

CREATE TABLE icinga_host_contacts (
  host_contact_id bigserial PRIMARY KEY, host_id bigint DEFAULT 0
);

CREATE TABLE icinga_objects (
  object_id bigserial PRIMARY KEY, name1 text DEFAULT '', name2 text
);

CREATE TABLE icinga_dbversion (
  dbversion_id bigserial PRIMARY KEY, name text DEFAULT '', version text DEFAULT '',
  create_time timestamptz DEFAULT '1970-01-01', modify_time timestamptz DEFAULT '1970-01-01'
);

CREATE FUNCTION from_unixtime(bigint) RETURNS timestamptz AS 'SELECT to_timestamp($1)' LANGUAGE sql;
CREATE FUNCTION unix_timestamp(timestamptz) RETURNS bigint AS 'SELECT extract(epoch FROM $1)::bigint' LANGUAGE sql;

-- Without the time of day, for the rows of two runs are compared.
CREATE FUNCTION updatedbversion(version_i text) RETURNS void AS $$
BEGIN
  UPDATE icinga_dbversion SET version = version_i WHERE name = 'idoutils';
  IF NOT found THEN
    INSERT INTO icinga_dbversion (name, version) VALUES ('idoutils', version_i);
  END IF;
END;
$$ LANGUAGE plpgsql;

INSERT INTO icinga_objects (name1, name2) VALUES ('web', ''), ('web', 'ssh; "22"'), ('db', NULL);
INSERT INTO icinga_comments (object_id, entry_time) VALUES (2, '2014-07-01 12:00+02');
INSERT INTO icinga_hoststatus (check_source, last_check) VALUES ('this host', '2014-07-01 12:00+02');
