-- Who may enter, who is in, and what they work on. users has Nacos' columns, and those of its roles
-- that a user has, with commas between them. Times are ms since 1970. The password is a bcrypt hash,
-- a session's id the SHA-256 of its token, a draft's digest that of its content and attributes.

-- +goose Up
CREATE TABLE users (
    username     TEXT    PRIMARY KEY,
    password     TEXT    NOT NULL,
    enabled      INTEGER NOT NULL DEFAULT 1,
    roles        TEXT    NOT NULL,
    gmt_create   INTEGER NOT NULL,
    gmt_modified INTEGER NOT NULL,
    row_sum      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE nacre_session (
    id          TEXT    PRIMARY KEY,
    username    TEXT    NOT NULL,
    src_ip      TEXT    NOT NULL,
    agent       TEXT    NOT NULL,
    gmt_create  INTEGER NOT NULL,
    gmt_expires INTEGER NOT NULL,
    row_sum     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- row_sum is of the columns before it; the others have their digest.
CREATE TABLE nacre_draft (
    id            INTEGER PRIMARY KEY,
    username      TEXT    NOT NULL,
    data_id       TEXT    NOT NULL,
    group_id      TEXT    NOT NULL,
    tenant_id     TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    gmt_modified  INTEGER NOT NULL,
    base_revision INTEGER NOT NULL,
    base_md5      TEXT    NOT NULL,
    size          INTEGER NOT NULL,
    digest        TEXT    NOT NULL,
    row_sum       INTEGER NOT NULL,
    type          TEXT    NOT NULL,
    c_desc        TEXT    NOT NULL,
    app_name      TEXT    NOT NULL,
    config_tags   TEXT    NOT NULL,
    content       BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX nacre_draft_key ON nacre_draft (username, data_id, group_id, tenant_id);

-- Their counts and sums, each with the checksum of its name and the value 0.
INSERT INTO nacre_meta (name, value, row_sum) VALUES
    ('users.rows', 0, 1163131670583347469),
    ('users.sum', 0, 2594311931189037204),
    ('nacre_session.rows', 0, 4531503818562742370),
    ('nacre_session.sum', 0, -2804685835616505472),
    ('nacre_draft.rows', 0, -1445536655769776711),
    ('nacre_draft.sum', 0, 6493169551462678460);

-- +goose Down
DELETE FROM nacre_meta WHERE name LIKE 'users.%' OR name LIKE 'nacre_session.%' OR name LIKE 'nacre_draft.%';
DROP TABLE nacre_draft;
DROP TABLE nacre_session;
DROP TABLE users;
