package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/pressly/goose/v3"

	"nacre/migrations"
	"nacre/server/config"
	"nacre/server/fault"
)

const (
	versionTable = "nacre_schema"
	// takeOverVersion is the migration that is written in Go: what it does depends on what is there.
	takeOverVersion = 5
)

// columns are those that a Nacos table may lack, by the version that brought them, and ours. Each may
// be NULL: a Nacos that doesn't know it goes on writing its rows, as all its statements name their
// columns. A row's revision stands in the row rather than in a table beside it, which would cost a
// second write for each publish. It is that of Nacre's last write: NULL in rows that only another
// Nacos wrote, and of no meaning for what that changed later (its gmt_modified and md5 tell).
var columns = []struct{ table, column, definition string }{
	{"config_info", "encrypted_data_key", "varchar(1024) DEFAULT ''"},     // 2.1
	{"his_config_info", "encrypted_data_key", "varchar(1024) DEFAULT ''"}, // 2.1
	{"his_config_info", "publish_type", "varchar(50) DEFAULT 'formal'"},   // 2.5
	{"his_config_info", "gray_name", "varchar(50) DEFAULT NULL"},          // 2.5
	{"his_config_info", "ext_info", "longtext DEFAULT NULL"},              // 2.5
	{"config_info", "revision", "bigint unsigned DEFAULT NULL"},
	{"config_info_gray", "revision", "bigint unsigned DEFAULT NULL"},
	{"his_config_info", "revision", "bigint unsigned DEFAULT NULL"},
}

// indexes are ours: quotas count a namespace's rows, and nodes follow what others changed.
var indexes = []struct{ table, name, columns string }{
	{"config_info", "nacre_tenant", "`tenant_id`, `group_id`"},
	{"his_config_info", "nacre_revision", "`revision`"},
}

// grayCopies takes the variants that Nacos up to 2.4 kept in tables of their own over into the one
// that has replaced them, when that one is still empty. The old tables stay as they are.
var grayCopies = []struct{ table, name, rule string }{
	{"config_info_beta", "'beta'",
		fmt.Sprintf(`CONCAT('{"type":"beta","version":"%s","expr":', JSON_QUOTE(COALESCE(beta_ips, '')), ',"priority":%d}')`, config.RuleVersion, config.PriorityBeta)},
	{"config_info_tag", "CONCAT('tag_', tag_id)",
		fmt.Sprintf(`CONCAT('{"type":"tag","version":"%s","expr":', JSON_QUOTE(tag_id), ',"priority":%d}')`, config.RuleVersion, config.PriorityTag)},
}

// catalog is what a database has.
type catalog struct {
	tables  map[string]string // charset
	columns map[[2]string]bool
	indexes map[[2]string]bool
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func readCatalog(ctx context.Context, db querier) (*catalog, error) {
	c := &catalog{tables: map[string]string{}, columns: map[[2]string]bool{}, indexes: map[[2]string]bool{}}
	for _, q := range []struct {
		query string
		add   func(a, b string)
	}{
		{"SELECT t.table_name, COALESCE(c.character_set_name, '') FROM information_schema.tables t LEFT JOIN information_schema.columns c " +
			"ON c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.column_name = 'content' WHERE t.table_schema = DATABASE()",
			func(a, b string) { c.tables[a] = b }},
		{"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()",
			func(a, b string) { c.columns[[2]string{a, b}] = true }},
		{"SELECT DISTINCT table_name, index_name FROM information_schema.statistics WHERE table_schema = DATABASE()",
			func(a, b string) { c.indexes[[2]string{a, b}] = true }},
	} {
		if err := eachPair(ctx, db, q.query, q.add); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func eachPair(ctx context.Context, db querier, query string, f func(a, b string)) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			return err
		}
		f(strings.ToLower(a), strings.ToLower(b))
	}
	return rows.Err()
}

// check refuses tables that would change texts on their way in.
func (c *catalog) check() error {
	for _, table := range []string{"config_info", "config_info_gray", "his_config_info"} {
		if set := c.tables[table]; set != "" && !strings.HasPrefix(set, "utf8") {
			return fault.New(fault.Invalid, "the table %s has the character set %s; Nacos' tables are in utf8 or utf8mb4, convert it first "+
				"(ALTER TABLE %[1]s CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)", table, set)
		}
	}
	return nil
}

// takeOver returns the statements that add what the tables lack. Tables that are missing are taken
// for new ones, which will have what Nacos' current version has.
func (c *catalog) takeOver(ctx context.Context, db querier) ([]string, error) {
	var all []string
	for _, a := range columns {
		fresh := !c.has(a.table)
		if c.columns[[2]string{a.table, a.column}] || fresh && a.column != "revision" {
			continue
		}
		all = append(all, fmt.Sprintf("ALTER TABLE `%s` ADD COLUMN `%s` %s", a.table, a.column, a.definition))
	}
	for _, i := range indexes {
		if !c.indexes[[2]string{i.table, i.name}] {
			all = append(all, fmt.Sprintf("CREATE INDEX `%s` ON `%s` (%s)", i.name, i.table, i.columns))
		}
	}
	grays := false
	if c.has("config_info_gray") {
		var err error
		if grays, err = hasRows(ctx, db, "SELECT 1 FROM config_info_gray LIMIT 1"); err != nil {
			return nil, err
		}
	}
	for _, g := range grayCopies {
		if !c.has(g.table) || grays {
			continue
		}
		key := "''"
		if c.columns[[2]string{g.table, "encrypted_data_key"}] {
			key = "COALESCE(encrypted_data_key, '')"
		}
		all = append(all, fmt.Sprintf("INSERT INTO config_info_gray (data_id, group_id, content, md5, src_user, src_ip, gmt_create, gmt_modified, app_name, tenant_id, "+
			"gray_name, gray_rule, encrypted_data_key) SELECT data_id, group_id, content, md5, src_user, src_ip, gmt_create, gmt_modified, app_name, COALESCE(tenant_id, ''), "+
			"%s, %s, %s FROM %s ORDER BY id", g.name, g.rule, key, g.table))
	}
	return all, nil
}

func (c *catalog) has(table string) bool {
	_, ok := c.tables[table]
	return ok
}

func hasRows(ctx context.Context, db querier, query string, args ...any) (bool, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	return rows.Next(), rows.Err()
}

// migrate brings the tables up to date. Nodes that start together wait for each other.
func (m *MySQL) migrate(ctx context.Context) error {
	c, err := readCatalog(ctx, m.pool)
	if err != nil {
		return err
	}
	if err := errors.Join(c.check(), m.checkVersion(ctx, c), m.checkIdentity(ctx, c)); err != nil {
		return err
	}
	p, err := m.provider()
	if err != nil {
		return err
	}
	conn, err := m.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Not goose's own lock: it looks at the version table before it takes it, when another node may
	// have made the table and not yet filled it.
	if err := lockSchema(ctx, conn); err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return errors.Join(err, unlockSchema(ctx, conn))
}

func (m *MySQL) provider() (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectMySQL, m.pool, migrations.MySQL(),
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(goose.NewGoMigration(takeOverVersion, &goose.GoFunc{RunDB: takeOver}, nil)))
}

func takeOver(ctx context.Context, db *sql.DB) error {
	c, err := readCatalog(ctx, db)
	if err != nil {
		return err
	}
	statements, err := c.takeOver(ctx, db)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// lockName is the name of the lock that lets one node migrate at a time.
const lockName = "nacre_schema"

// lockSchema waits for the lock for up to five minutes. The lock is conn's, and goes with it.
func lockSchema(ctx context.Context, conn *sql.Conn) error {
	// Waits of one second each: the driver's read deadline must not pass, nor ctx be overslept.
	for range 300 {
		var got sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT(?, '.', DATABASE()), 1)", lockName).Scan(&got); err != nil {
			return err
		}
		if got.Int64 == 1 {
			return nil
		}
	}
	return fault.New(fault.Unavailable, "another node has been changing the database's tables for five minutes; start again when it is done")
}

func unlockSchema(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(CONCAT(?, '.', DATABASE()))", lockName)
	return err
}

// checkVersion refuses a schema that a later version wrote.
func (m *MySQL) checkVersion(ctx context.Context, c *catalog) error {
	has, err := schemaVersion(ctx, m.pool, c)
	if err != nil {
		return err
	}
	steps, err := mysqlSteps()
	if err != nil {
		return err
	}
	if last := steps[len(steps)-1].version; has > last {
		return &NewerError{Path: "the database " + m.name, Has: has, Supports: last}
	}
	return nil
}

// schemaVersion returns the last migration that was applied, 0 when none was.
func schemaVersion(ctx context.Context, db *sql.DB, c *catalog) (int64, error) {
	if !c.has(versionTable) {
		return 0, nil
	}
	var v int64
	err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&v)
	return v, err
}

// mysqlStep is one numbered migration; that in Go has no text.
type mysqlStep struct {
	version int64
	text    string
}

// mysqlSteps returns all migrations in their order.
func mysqlSteps() ([]mysqlStep, error) {
	files := migrations.MySQL()
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var steps []mysqlStep
	taken := false
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		if v > takeOverVersion && !taken {
			steps, taken = append(steps, mysqlStep{version: takeOverVersion}), true
		}
		steps = append(steps, mysqlStep{v, string(text)})
	}
	if !taken {
		steps = append(steps, mysqlStep{version: takeOverVersion})
	}
	return steps, nil
}

var creates = regexp.MustCompile("^CREATE TABLE IF NOT EXISTS `(\\w+)`")

// plan returns the statements of the migrations that are missing, those left out that find their
// table there.
func (m *MySQL) plan(ctx context.Context) ([]string, error) {
	c, err := readCatalog(ctx, m.pool)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.check(), m.checkVersion(ctx, c)); err != nil {
		return nil, err
	}
	has, err := schemaVersion(ctx, m.pool, c)
	if err != nil {
		return nil, err
	}
	steps, err := mysqlSteps()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, s := range steps {
		switch {
		case s.version <= has:
		case s.text == "":
			more, err := c.takeOver(ctx, m.pool)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		default:
			for _, statement := range statementsOf(s.text) {
				if t := creates.FindStringSubmatch(statement); t == nil || !c.has(t[1]) {
					all = append(all, statement)
				}
			}
		}
	}
	return all, nil
}

// statementsOf returns the statements of a migration's text: each ends with a ';' at the end of a line.
func statementsOf(text string) []string {
	var all []string
	var statement strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "--") || strings.TrimSpace(line) == "" {
			continue
		}
		statement.WriteString(line)
		if s := strings.TrimSpace(statement.String()); strings.HasSuffix(s, ";") {
			all = append(all, strings.TrimSuffix(s, ";"))
			statement.Reset()
		}
	}
	return all
}
