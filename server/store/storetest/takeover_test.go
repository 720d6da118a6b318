package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/config"
	"nacre/server/config/configpb"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// openSQL returns the database as another program would see it, times in UTC.
func openSQL(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn+"?parseTime=true&multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func open(t *testing.T, dsn string, opts store.MySQLOptions) *store.MySQL {
	t.Helper()
	m, err := store.OpenMySQL(t.Context(), dsn, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// The tables as the versions of Nacos make them, from the protocol notes; utf8 as their scripts say.
const (
	keyColumns   = "`id` bigint(20) NOT NULL AUTO_INCREMENT, `data_id` varchar(255) NOT NULL, `group_id` varchar(%s) DEFAULT NULL, "
	bodyColumns  = "`content` longtext NOT NULL, `md5` varchar(32) DEFAULT NULL, `gmt_create` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP, `gmt_modified` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP, "
	whoColumns   = "`src_user` text, `src_ip` varchar(50) DEFAULT NULL, `app_name` varchar(128) DEFAULT NULL, `tenant_id` varchar(128) DEFAULT '', "
	tableOptions = " ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_bin"
)

// dump makes the tables of a version: 1.4 without encryption, 2.1 with it as it was first, 2.5 with variants.
func dump(version string) []string {
	group, configKey, historyKey, historyMore := "128", "", "", ""
	switch version {
	case "1.4":
		group = "255"
	case "2.1":
		configKey, historyKey = "`encrypted_data_key` text NOT NULL, ", "`encrypted_data_key` text NOT NULL, "
	case "2.5", "3.1":
		configKey = "`encrypted_data_key` varchar(1024) NOT NULL DEFAULT '', "
		historyKey = configKey
		historyMore = "`publish_type` varchar(50) DEFAULT 'formal', `gray_name` varchar(50) DEFAULT NULL, `ext_info` longtext DEFAULT NULL, "
	}
	all := []string{
		"CREATE TABLE `config_info` (" + fmt.Sprintf(keyColumns, group) + bodyColumns + whoColumns + "`c_desc` varchar(256) DEFAULT NULL, `c_use` varchar(64) DEFAULT NULL, " +
			"`effect` varchar(64) DEFAULT NULL, `type` varchar(64) DEFAULT NULL, `c_schema` text, " + configKey + "PRIMARY KEY (`id`), " +
			"UNIQUE KEY `uk_configinfo_datagrouptenant` (`data_id`,`group_id`,`tenant_id`))" + tableOptions,
		"CREATE TABLE `config_tags_relation` (`id` bigint(20) NOT NULL, `tag_name` varchar(128) NOT NULL, `tag_type` varchar(64) DEFAULT NULL, `data_id` varchar(255) NOT NULL, " +
			"`group_id` varchar(128) NOT NULL, `tenant_id` varchar(128) DEFAULT '', `nid` bigint(20) NOT NULL AUTO_INCREMENT, PRIMARY KEY (`nid`), " +
			"UNIQUE KEY `uk_configtagrelation_configidtag` (`id`,`tag_name`,`tag_type`), KEY `idx_tenant_id` (`tenant_id`))" + tableOptions,
		"CREATE TABLE `his_config_info` (`id` bigint(64) unsigned NOT NULL, `nid` bigint(20) unsigned NOT NULL AUTO_INCREMENT, `data_id` varchar(255) NOT NULL, " +
			"`group_id` varchar(128) NOT NULL, " + bodyColumns + whoColumns + "`op_type` char(10) DEFAULT NULL, " + historyKey + historyMore +
			"PRIMARY KEY (`nid`), KEY `idx_gmt_create` (`gmt_create`), KEY `idx_gmt_modified` (`gmt_modified`), KEY `idx_did` (`data_id`))" + tableOptions,
		"CREATE TABLE `tenant_info` (`id` bigint(20) NOT NULL AUTO_INCREMENT, `kp` varchar(128) NOT NULL, `tenant_id` varchar(128) DEFAULT '', `tenant_name` varchar(128) DEFAULT '', " +
			"`tenant_desc` varchar(256) DEFAULT NULL, `create_source` varchar(32) DEFAULT NULL, `gmt_create` bigint(20) NOT NULL, `gmt_modified` bigint(20) NOT NULL, PRIMARY KEY (`id`), " +
			"UNIQUE KEY `uk_tenant_info_kptenantid` (`kp`,`tenant_id`), KEY `idx_tenant_id` (`tenant_id`))" + tableOptions,
		"CREATE TABLE `users` (`username` varchar(50) NOT NULL PRIMARY KEY, `password` varchar(500) NOT NULL, `enabled` boolean NOT NULL)",
		"INSERT INTO users VALUES ('nacos', '$2a$10$x', TRUE)",
	}
	if version == "2.5" || version == "3.1" {
		return append(all, "CREATE TABLE `config_info_gray` (`id` bigint unsigned NOT NULL AUTO_INCREMENT, `data_id` varchar(255) NOT NULL, `group_id` varchar(128) NOT NULL, "+
			"`content` longtext NOT NULL, `md5` varchar(32) DEFAULT NULL, `src_user` text, `src_ip` varchar(100) DEFAULT NULL, `gmt_create` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), "+
			"`gmt_modified` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), `app_name` varchar(128) DEFAULT NULL, `tenant_id` varchar(128) DEFAULT '', `gray_name` varchar(128) NOT NULL, "+
			"`gray_rule` text NOT NULL, `encrypted_data_key` varchar(256) NOT NULL DEFAULT '', PRIMARY KEY (`id`), "+
			"UNIQUE KEY `uk_configinfogray_datagrouptenantgray` (`data_id`,`group_id`,`tenant_id`,`gray_name`), KEY `idx_dataid_gmt_modified` (`data_id`,`gmt_modified`), "+
			"KEY `idx_gmt_modified` (`gmt_modified`)) ENGINE=InnoDB DEFAULT CHARSET=utf8")
	}
	return append(all,
		"CREATE TABLE `config_info_beta` ("+fmt.Sprintf(keyColumns, group)+bodyColumns+whoColumns+"`beta_ips` varchar(1024) DEFAULT NULL, "+configKey+
			"PRIMARY KEY (`id`), UNIQUE KEY `uk_configinfobeta_datagrouptenant` (`data_id`,`group_id`,`tenant_id`))"+tableOptions,
		"CREATE TABLE `config_info_tag` ("+fmt.Sprintf(keyColumns, group)+bodyColumns+whoColumns+"`tag_id` varchar(128) NOT NULL, "+
			"PRIMARY KEY (`id`), UNIQUE KEY `uk_configinfotag_datagrouptenanttag` (`data_id`,`group_id`,`tenant_id`,`tag_id`))"+tableOptions)
}

func insertConfig(dataID, tenant, content, modified string, version string) string {
	columns, values := "", ""
	if version == "2.1" { // NOT NULL without a default
		columns, values = ", encrypted_data_key", ", ''"
	}
	return fmt.Sprintf("INSERT INTO config_info (data_id, group_id, tenant_id, content, md5, gmt_create, gmt_modified, src_user, type, app_name"+columns+") VALUES "+
		"('%s', 'g', '%s', '%s', '%s', '2020-01-02 03:04:05', '%s', 'old', 'text', 'app'%s)", dataID, tenant, content, digest(content), modified, values)
}

// load loads the database as a node does.
func load(t *testing.T, m *store.MySQL) (*config.State, *namespace.State) {
	t.Helper()
	configs, spaces := config.NewState(nil), namespace.NewState()
	_, err := m.Load(t.Context(), store.Visitor{Entry: configs.LoadEntry, Gray: configs.LoadGray, Capacity: configs.LoadCapacity, Namespace: spaces.Load})
	if err != nil {
		t.Fatal(err)
	}
	return configs, spaces
}

func publish(t testing.TB, k config.Key, content, cas string) journal.Command {
	t.Helper()
	body, err := proto.Marshal(&configpb.Publish{
		Key: &configpb.Key{Namespace: k.Namespace, Group: k.Group, DataId: k.DataID}, Content: []byte(content), Md5: digest(content), CasMd5: cas,
		Attributes: &configpb.Attributes{Type: "text"}, Actor: &configpb.Actor{User: "new", Ip: "::1"}, AtMs: 1_700_000_000_123,
	})
	if err != nil {
		t.Fatal(err)
	}
	return journal.Command{Kind: config.KindPublish, Body: body}
}

func remove(t testing.TB, k config.Key) journal.Command {
	t.Helper()
	body, err := proto.Marshal(&configpb.Remove{Key: &configpb.Key{Namespace: k.Namespace, Group: k.Group, DataId: k.DataID}, Actor: &configpb.Actor{}, AtMs: 1_700_000_001_000})
	if err != nil {
		t.Fatal(err)
	}
	return journal.Command{Kind: config.KindRemove, Body: body}
}

func mustCommit(t *testing.T, m *store.MySQL, group ...journal.Command) []config.Outcome {
	t.Helper()
	results, err := m.Commit(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	var all []config.Outcome
	for _, r := range results {
		o := r.Outcome.(config.Outcome)
		if o.Fault != nil {
			t.Fatal(o.Fault)
		}
		all = append(all, o)
	}
	return all
}

func public(dataID string) config.Key {
	return config.Key{Namespace: "public", Group: "g", DataID: dataID}
}

func TestADatabaseOfNacosIsTakenOver(t *testing.T) {
	for _, version := range []string{"1.4", "2.1", "2.5", "3.1"} {
		t.Run(version, func(t *testing.T) {
			dsn := mariadbtest.Shared(t).Database(t)
			db := openSQL(t, dsn)
			mustExec(t, db, dump(version)...)
			tenant := ""
			if version == "3.1" {
				tenant = "public"
			}
			mustExec(t, db,
				insertConfig("a", tenant, "alt ä", "2021-01-01 00:00:00", version),
				insertConfig("b", "dev", "in dev", "2021-01-01 00:00:00", version),
				"INSERT INTO config_tags_relation (id, tag_name, tag_type, data_id, group_id, tenant_id) SELECT id, 't1', '', data_id, group_id, tenant_id FROM config_info WHERE data_id = 'a'",
				"INSERT INTO tenant_info (kp, tenant_id, tenant_name, gmt_create, gmt_modified) VALUES ('1', 'dev', 'Dev', 5, 6)")
			switch version {
			case "1.4", "2.1":
				key, value := "", ""
				if version == "2.1" {
					key, value = ", encrypted_data_key", ", ''"
				}
				mustExec(t, db, fmt.Sprintf("INSERT INTO config_info_beta (data_id, group_id, tenant_id, content, md5, beta_ips%s) VALUES ('a', 'g', '', 'gray', '%s', '1.1.1.1'%s)", key, digest("gray"), value),
					fmt.Sprintf("INSERT INTO config_info_tag (data_id, group_id, tenant_id, content, md5, tag_id) VALUES ('a', 'g', '', 'tagged', '%s', 'x\"y')", digest("tagged")))
			default:
				mustExec(t, db, fmt.Sprintf("INSERT INTO config_info_gray (data_id, group_id, tenant_id, content, md5, gray_name, gray_rule) VALUES "+
					`('a', 'g', '%s', 'gray', '%s', 'beta', '{"type":"beta","version":"1.0.0","expr":"1.1.1.1","priority":2147483647}')`, tenant, digest("gray")))
			}
			before := describe(t, db)

			plan, err := store.PlanMySQL(t.Context(), dsn, store.MySQLOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if after := describe(t, db); !slices.Equal(before, after) {
				t.Errorf("a dry run changed the tables: %v, were %v", after, before)
			}
			m := open(t, dsn, store.MySQLOptions{})
			kept := describe(t, db)
			for _, column := range before {
				if !slices.Contains(kept, column) {
					t.Errorf("the column %s is not as it was", column)
				}
			}
			checkPlan(t, plan, before, kept)

			configs, spaces := load(t, m)
			it := configs.Get(public("a"))
			if it == nil || it.Formal == nil || string(it.Formal.Content) != "alt ä" || it.Formal.AppName != "app" || !slices.Equal(it.Formal.Tags, []string{"t1"}) {
				t.Fatalf("the old configuration is served as %+v", it)
			}
			if got := time.UnixMilli(it.Formal.ModifiedMs).UTC().Format(time.DateTime); got != wallTime(t, db, "2021-01-01 00:00:00") {
				t.Errorf("it was modified at %s", got)
			}
			if v := it.MD5For(config.Client{IP: "1.1.1.1"}); v != digest("gray") {
				t.Errorf("a beta client is not served the variant")
			}
			if v := it.MD5For(config.Client{Tag: `x"y`}); version < "2.5" && v != digest("tagged") {
				t.Errorf("a tagged client is not served the variant")
			}
			if configs.Get(config.Key{Namespace: "dev", Group: "g", DataID: "b"}) == nil || spaces.Get("dev") == nil || spaces.Get("dev").Name != "Dev" {
				t.Error("the namespace dev or what it has is missing")
			}
			out := mustCommit(t, m, publish(t, public("a"), "neu", digest("alt ä")), publish(t, public("c"), "also new", ""))
			if out[0].ID != it.Formal.ID || !out[0].Existed || out[0].Revision != 1 || out[1].ID <= out[0].ID {
				t.Errorf("publishing over what was there: %+v", out)
			}
			for _, id := range []string{"a", "c"} {
				var got, content string
				if err := db.QueryRow("SELECT tenant_id, content FROM config_info WHERE data_id = ?", id).Scan(&got, &content); err != nil || got != tenant || !strings.Contains(content, "ne") {
					t.Errorf("%s was written with tenant_id %q and content %q (%v), Nacos %s has %q", id, got, content, err, version, tenant)
				}
			}
			var op, was string
			if err := db.QueryRow("SELECT op_type, content FROM his_config_info WHERE data_id = 'a' AND tenant_id = ?", tenant).Scan(&op, &was); err != nil || op != "U" || was != "alt ä" {
				t.Errorf("history has %s %q, %v", op, was, err)
			}
			// The other Nacos goes on writing without knowing our columns.
			mustExec(t, db, insertConfig("foreign", tenant, "x", "2021-01-01 00:00:00", version))
			if plan, err = store.PlanMySQL(t.Context(), dsn, store.MySQLOptions{}); err != nil || len(plan) != 0 {
				t.Errorf("a database that was taken over needs %q, %v", plan, err)
			}
		})
	}
}

// describe returns every column with its type, nullability and default.
func describe(t *testing.T, db *sql.DB) []string {
	t.Helper()
	var all []string
	err := query(t.Context(), db, "SELECT CONCAT_WS(' ', table_name, column_name, column_type, collation_name, is_nullable, COALESCE(column_default, 'NULL'), extra) FROM information_schema.columns "+
		"WHERE table_schema = DATABASE() ORDER BY 1", func(scan func(...any) error) error {
		var c string
		err := scan(&c)
		all = append(all, c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkPlan compares what the dry run named with the columns that are new, which must allow NULL in tables that were there.
func checkPlan(t *testing.T, plan, before, after []string) {
	t.Helper()
	text := strings.Join(plan, "\n")
	for _, column := range after {
		f := strings.Fields(column)
		table := f[0]
		if slices.Contains(before, column) || table == "nacre_schema" {
			continue
		}
		existed := slices.ContainsFunc(before, func(c string) bool { return strings.HasPrefix(c, table+" ") })
		switch {
		case existed && !strings.Contains(text, "ALTER TABLE `"+table+"` ADD COLUMN `"+f[1]+"`"):
			t.Errorf("the dry run did not say that the column %s.%s is added", table, f[1])
		case existed && !slices.Contains(f, "YES"):
			t.Errorf("the column %s must not be NULL, which another Nacos does not know", column)
		case !existed && !strings.Contains(text, "CREATE TABLE IF NOT EXISTS `"+table+"`"):
			t.Errorf("the dry run did not say that the table %s is made", table)
		}
	}
}

// wallTime returns in UTC what the database's session means by a datetime.
func wallTime(t *testing.T, db *sql.DB, at string) string {
	t.Helper()
	var unix float64
	if err := db.QueryRow("SELECT UNIX_TIMESTAMP(?)", at).Scan(&unix); err != nil {
		t.Fatal(err)
	}
	return time.Unix(int64(unix), 0).UTC().Format(time.DateTime)
}

func TestBothFormsOfTheDefaultNamespaceCount(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	db := openSQL(t, dsn)
	mustExec(t, db, dump("3.1")...)
	const old, late = "2021-01-01 00:00:00", "2022-01-01 00:00:00"
	mustExec(t, db,
		insertConfig("same", "", "same", old, ""), insertConfig("same", "public", "same", old, ""),
		insertConfig("old-newer", "", "newer", late, ""), insertConfig("old-newer", "public", "older", old, ""),
		insertConfig("new-newer", "", "older", old, ""), insertConfig("new-newer", "public", "newer", late, ""),
		insertConfig("only-old", "", "only", old, ""))
	m := open(t, dsn, store.MySQLOptions{})
	configs, _ := load(t, m)
	for id, want := range map[string]string{"same": "same", "old-newer": "newer", "new-newer": "newer", "only-old": "only"} {
		if it := configs.Get(public(id)); it == nil || string(it.Formal.Content) != want {
			t.Errorf("%s is served as %+v, want %s", id, it, want)
		}
	}
	if got := configs.Stats().Configs; got != 4 {
		t.Errorf("%d configurations are served", got)
	}
	page, err := m.Queries().List(t.Context(), config.Filter{Namespace: "public", PageNo: 1, PageSize: 10, WithContent: true})
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, e := range page.Items {
		listed = append(listed, e.Key.String()+"="+string(e.Content))
	}
	slices.Sort(listed)
	if want := "public/g/new-newer=newer public/g/old-newer=newer public/g/only-old=only public/g/same=same"; strings.Join(listed, " ") != want || page.Total != 4 {
		t.Errorf("listed are %d: %v", page.Total, listed)
	}
	mustCommit(t, m, publish(t, public("old-newer"), "both", digest("newer")), publish(t, public("only-old"), "both", digest("only")),
		remove(t, public("same")), publish(t, public("fresh"), "both", ""))
	var got []string
	err = query(t.Context(), db, "SELECT data_id, tenant_id FROM config_info WHERE content = 'both' ORDER BY data_id, tenant_id", func(scan func(...any) error) error {
		var id, tenant string
		err := scan(&id, &tenant)
		got = append(got, id+":"+tenant)
		return err
	})
	if want := "fresh:public old-newer: old-newer:public only-old:"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("written were %q (%v), want %q", got, err, want)
	}
	var left int
	if err := db.QueryRow("SELECT COUNT(*) FROM config_info WHERE data_id = 'same'").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows of what was removed are left, %v", left, err)
	}
}

func TestADatabaseOfALaterVersionIsRefused(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	open(t, dsn, store.MySQLOptions{})
	mustExec(t, openSQL(t, dsn), "INSERT INTO nacre_schema (version_id, is_applied) VALUES (99, TRUE)")
	_, err := store.OpenMySQL(t.Context(), dsn, store.MySQLOptions{})
	var newer *store.NewerError
	if !errors.As(err, &newer) || newer.Has != 99 || !strings.Contains(err.Error(), "Start the newer version") {
		t.Errorf("opened with %v", err)
	}
}

func TestADSNThatCannotBeUsedIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name, dsn string
		kind      fault.Kind
	}{
		{"no DSN at all", "mysql://root@x/y", fault.Invalid},
		{"no database", "root@tcp(127.0.0.1:1)/", fault.Invalid},
		{"nobody there", "root@tcp(127.0.0.1:1)/nacos", fault.Unavailable},
	} {
		if _, err := store.OpenMySQL(context.Background(), tt.dsn, store.MySQLOptions{}); fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestTablesInACharsetThatChangesTextsAreRefused(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	mustExec(t, openSQL(t, dsn), strings.ReplaceAll(strings.ReplaceAll(dump("1.4")[0], "utf8_bin", "latin1_bin"), "utf8", "latin1"))
	if _, err := store.OpenMySQL(t.Context(), dsn, store.MySQLOptions{}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "latin1") {
		t.Errorf("opened with %v", err)
	}
}

func TestNodesThatStartTogetherMigrateOnce(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			m, err := store.OpenMySQL(t.Context(), dsn, store.MySQLOptions{})
			if err == nil {
				err = m.Close()
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	var n int
	if err := openSQL(t, dsn).QueryRow("SELECT COUNT(*) FROM nacre_schema WHERE version_id > 0").Scan(&n); err != nil || n != 6 {
		t.Errorf("%d migrations are noted, %v", n, err)
	}
}
