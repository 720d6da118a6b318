-- The tables of Nacos that embedded storage fills, under its names and with its meaning. Ours are
-- revision, key_hash, row_sum and nacre_meta. Times are ms since 1970. Contents stand last, so that
-- reading what is before them touches no overflow page.

-- +goose Up
CREATE TABLE config_info (
    id                 INTEGER PRIMARY KEY,
    data_id            TEXT    NOT NULL,
    group_id           TEXT    NOT NULL,
    tenant_id          TEXT    NOT NULL,
    md5                TEXT    NOT NULL,
    gmt_create         INTEGER NOT NULL,
    gmt_modified       INTEGER NOT NULL,
    src_user           TEXT,
    src_ip             TEXT,
    app_name           TEXT,
    c_desc             TEXT,
    c_use              TEXT,
    effect             TEXT,
    type               TEXT,
    c_schema           TEXT,
    encrypted_data_key TEXT,
    revision           INTEGER NOT NULL,
    row_sum            INTEGER NOT NULL,
    content            BLOB    NOT NULL
) STRICT;
-- Lists are in the order of ids within one namespace: the index holds all that they filter by.
CREATE INDEX config_info_list ON config_info (tenant_id, id, data_id, group_id, app_name, type);
CREATE UNIQUE INDEX config_info_key ON config_info (data_id, group_id, tenant_id);

CREATE TABLE config_info_gray (
    id                 INTEGER PRIMARY KEY,
    data_id            TEXT    NOT NULL,
    group_id           TEXT    NOT NULL,
    tenant_id          TEXT    NOT NULL,
    gray_name          TEXT    NOT NULL,
    gray_rule          TEXT    NOT NULL,
    md5                TEXT    NOT NULL,
    gmt_create         INTEGER NOT NULL,
    gmt_modified       INTEGER NOT NULL,
    src_user           TEXT,
    src_ip             TEXT,
    app_name           TEXT,
    encrypted_data_key TEXT,
    revision           INTEGER NOT NULL,
    row_sum            INTEGER NOT NULL,
    content            BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX config_info_gray_key ON config_info_gray (data_id, group_id, tenant_id, gray_name);

-- nid is the configuration's id times 65536 plus the position of the tag.
CREATE TABLE config_tags_relation (
    id        INTEGER NOT NULL,
    tag_name  TEXT    NOT NULL,
    tag_type  TEXT    NOT NULL,
    data_id   TEXT    NOT NULL,
    group_id  TEXT    NOT NULL,
    tenant_id TEXT    NOT NULL,
    nid       INTEGER PRIMARY KEY,
    row_sum   INTEGER NOT NULL
) STRICT;
CREATE INDEX config_tags_relation_tag ON config_tags_relation (tag_name, id);

CREATE TABLE his_config_info (
    nid                INTEGER PRIMARY KEY,
    id                 INTEGER NOT NULL,
    data_id            TEXT    NOT NULL,
    group_id           TEXT    NOT NULL,
    tenant_id          TEXT    NOT NULL,
    md5                TEXT    NOT NULL,
    gmt_create         INTEGER NOT NULL,
    gmt_modified       INTEGER NOT NULL,
    src_user           TEXT,
    src_ip             TEXT,
    op_type            TEXT    NOT NULL,
    app_name           TEXT,
    encrypted_data_key TEXT,
    publish_type       TEXT    NOT NULL,
    gray_name          TEXT,
    ext_info           TEXT,
    revision           INTEGER NOT NULL,
    key_hash           INTEGER NOT NULL,
    row_sum            INTEGER NOT NULL,
    content            BLOB    NOT NULL
) STRICT;
-- A row of history is written with every publish, so its indexes are small: a hash instead of the
-- key, and ids only of the rows that end a configuration, of which nothing else holds the key.
CREATE INDEX his_config_info_key ON his_config_info (key_hash);
CREATE INDEX his_config_info_modified ON his_config_info (gmt_modified);
CREATE INDEX his_config_info_ended ON his_config_info (id) WHERE op_type = 'D';

CREATE TABLE tenant_info (
    id            INTEGER PRIMARY KEY,
    kp            TEXT    NOT NULL,
    tenant_id     TEXT    NOT NULL,
    tenant_name   TEXT,
    tenant_desc   TEXT,
    create_source TEXT,
    gmt_create    INTEGER NOT NULL,
    gmt_modified  INTEGER NOT NULL,
    row_sum       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tenant_info_key ON tenant_info (kp, tenant_id);

CREATE TABLE tenant_capacity (
    id                INTEGER PRIMARY KEY,
    tenant_id         TEXT    NOT NULL UNIQUE,
    quota             INTEGER NOT NULL,
    "usage"           INTEGER NOT NULL DEFAULT 0,
    max_size          INTEGER NOT NULL,
    max_aggr_count    INTEGER NOT NULL,
    max_aggr_size     INTEGER NOT NULL,
    max_history_count INTEGER NOT NULL DEFAULT 0,
    gmt_create        INTEGER NOT NULL,
    gmt_modified      INTEGER NOT NULL,
    row_sum           INTEGER NOT NULL
) STRICT;

CREATE TABLE group_capacity (
    id                INTEGER PRIMARY KEY,
    group_id          TEXT    NOT NULL UNIQUE,
    quota             INTEGER NOT NULL,
    "usage"           INTEGER NOT NULL DEFAULT 0,
    max_size          INTEGER NOT NULL,
    max_aggr_count    INTEGER NOT NULL,
    max_aggr_size     INTEGER NOT NULL,
    max_history_count INTEGER NOT NULL DEFAULT 0,
    gmt_create        INTEGER NOT NULL,
    gmt_modified      INTEGER NOT NULL,
    row_sum           INTEGER NOT NULL
) STRICT;

-- What the image reaches, what its numbers go on from, and the count and sum of each table's rows.
CREATE TABLE nacre_meta (
    name    TEXT    PRIMARY KEY,
    value   INTEGER NOT NULL,
    row_sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE nacre_meta;
DROP TABLE group_capacity;
DROP TABLE tenant_capacity;
DROP TABLE tenant_info;
DROP TABLE his_config_info;
DROP TABLE config_tags_relation;
DROP TABLE config_info_gray;
DROP TABLE config_info;
