-- Ours: the one row that every writing transaction locks first. It counts the changes of everything, has the id of
-- this database, and says under which tenant_id the default namespace's new rows are written ('' as Nacos 1 and 2 do,
-- or 'public' as Nacos 3 does; NULL: not decided yet). The last three are how many rows of a kind the registry has.

-- +goose Up
CREATE TABLE IF NOT EXISTS `nacre_revision` (
  `id` tinyint unsigned NOT NULL,
  `revision` bigint unsigned NOT NULL DEFAULT 0,
  `default_tenant` varchar(128) DEFAULT NULL,
  `database_id` varchar(64) DEFAULT NULL,
  `instances` bigint NOT NULL DEFAULT 0,
  `services` bigint NOT NULL DEFAULT 0,
  `overrides` bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO `nacre_revision` (`id`) VALUES (1);
