-- Ours: what changed at which revision, and what Nacos has no tables for. Times are ms since 1970, but for changed_at, which is
-- in seconds of the database's own clock. A row_id is of a key that is longer than an index may be: the first 16 bytes of the
-- SHA-256 of its parts with a zero byte between them.

-- +goose Up
CREATE TABLE IF NOT EXISTS `nacre_change` (
  `revision` bigint unsigned NOT NULL,
  `part` int unsigned NOT NULL,
  `before_revision` bigint unsigned NOT NULL,
  `node` varchar(128) NOT NULL,
  `attempt` binary(16) NOT NULL,
  `changed_at` bigint NOT NULL,
  `changed_keys` longblob NOT NULL,
  PRIMARY KEY (`revision`, `part`),
  KEY `nacre_changed_at` (`changed_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `nacre_user` (
  `username` varchar(50) NOT NULL,
  `gmt_create` bigint NOT NULL,
  `gmt_modified` bigint NOT NULL,
  PRIMARY KEY (`username`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `nacre_session` (
  `id` varchar(64) NOT NULL,
  `username` varchar(128) NOT NULL,
  `src_ip` varchar(128) NOT NULL,
  `agent` varchar(512) NOT NULL,
  `gmt_create` bigint NOT NULL,
  `gmt_expires` bigint NOT NULL,
  PRIMARY KEY (`id`),
  KEY `nacre_session_user` (`username`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `nacre_draft` (
  `row_id` binary(16) NOT NULL,
  `username` varchar(128) NOT NULL,
  `data_id` varchar(255) NOT NULL,
  `group_id` varchar(128) NOT NULL,
  `tenant_id` varchar(128) NOT NULL,
  `version` bigint unsigned NOT NULL,
  `gmt_modified` bigint NOT NULL,
  `base_revision` bigint unsigned NOT NULL,
  `base_md5` varchar(64) NOT NULL,
  `size` bigint NOT NULL,
  `digest` varchar(64) NOT NULL,
  `type` mediumtext NOT NULL,
  `c_desc` mediumtext NOT NULL,
  `app_name` mediumtext NOT NULL,
  `config_tags` mediumtext NOT NULL,
  `content` longblob NOT NULL,
  PRIMARY KEY (`row_id`),
  KEY `nacre_draft_size` (`username`, `size`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The body is JSON.
CREATE TABLE IF NOT EXISTS `nacre_registry` (
  `row_id` binary(16) NOT NULL,
  `service_id` binary(16) NOT NULL,
  `kind` varchar(16) NOT NULL,
  `tenant_id` varchar(128) NOT NULL,
  `group_id` varchar(128) NOT NULL,
  `service` varchar(512) NOT NULL,
  `name` varchar(1024) NOT NULL,
  `body` longblob NOT NULL,
  PRIMARY KEY (`row_id`),
  KEY `nacre_registry_service` (`service_id`, `kind`),
  KEY `nacre_registry_kind` (`kind`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
