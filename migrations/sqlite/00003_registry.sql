-- What the registry keeps: persistent instances, descriptions of services and clusters, what operators laid over instances,
-- switches. A row's name tells it apart from others of its kind in its service; the body is JSON.

-- +goose Up
CREATE TABLE nacre_registry (
    kind      TEXT    NOT NULL,
    tenant_id TEXT    NOT NULL,
    group_id  TEXT    NOT NULL,
    service   TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    row_sum   INTEGER NOT NULL,
    body      BLOB    NOT NULL,
    PRIMARY KEY (kind, tenant_id, group_id, service, name)
) STRICT, WITHOUT ROWID;

-- Its count and sum, each with the checksum of its name and the value 0.
INSERT INTO nacre_meta (name, value, row_sum) VALUES
    ('nacre_registry.rows', 0, -3225632318240832505),
    ('nacre_registry.sum', 0, 6767305686810364018);

-- +goose Down
DELETE FROM nacre_meta WHERE name LIKE 'nacre_registry.%';
DROP TABLE nacre_registry;
