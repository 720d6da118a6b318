package storetest

import (
	"fmt"
	"strings"
	"testing"

	"nacre/server/auth"
	"nacre/server/auth/authpb"
	"nacre/server/config"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// A database that a Nacos made and filled: a thousand configurations with variants, history and users. It is served at once, nothing of
// it is taken for a change, and what Nacre writes then is as that Nacos reads it.
func TestAFilledDatabaseOfNacosIsServedAtOnce(t *testing.T) {
	for _, version := range []string{"2.5", "3.1"} {
		t.Run(version, func(t *testing.T) {
			dsn := mariadbtest.Shared(t).Database(t)
			db := openSQL(t, dsn)
			mustExec(t, db, dump(version)...)
			mustExec(t, db, "CREATE TABLE `roles` (`username` varchar(50) NOT NULL, `role` varchar(50) NOT NULL, UNIQUE INDEX `idx_user_role` (`username`, `role`))",
				"CREATE TABLE `permissions` (`role` varchar(50) NOT NULL, `resource` varchar(128) NOT NULL, `action` varchar(8) NOT NULL, UNIQUE INDEX `uk_role_permission` (`role`,`resource`,`action`))",
				"INSERT INTO roles VALUES ('nacos', 'ROLE_ADMIN')", "INSERT INTO users VALUES ('dev', '$2a$10$d', 1)", "INSERT INTO roles VALUES ('dev', 'readers')",
				"INSERT INTO permissions VALUES ('readers', 'dev:*:*', 'r')")
			tenant := map[string]string{"2.5": "", "3.1": "public"}[version]
			const configs, grays = 1000, 50
			var all []string
			for i := range configs {
				in := tenant
				if i%3 == 0 {
					in = "dev"
				}
				id, content := fmt.Sprint("app-", i, ".yml"), fmt.Sprintf("nr: %d\nname: grün 世界\n", i)
				all = append(all, insertConfig(id, in, content, "2024-05-06 07:08:09", version),
					fmt.Sprintf("INSERT INTO his_config_info (id, data_id, group_id, tenant_id, content, md5, gmt_create, gmt_modified, src_user, op_type) VALUES "+
						"(0, '%s', 'g', '%s', '%s', '%s', '2024-05-06 07:08:09', '2024-05-06 07:08:09', 'old', 'I')", id, in, content, digest(content)))
				if i < grays {
					all = append(all, grayInsert(id, in, "beta", "gray "+content))
				}
			}
			mustExec(t, db, strings.Join(all, ";\n"))
			m := open(t, dsn, store.MySQLOptions{Node: "a"})

			users := auth.NewState()
			state, spaces := config.NewState(nil), namespace.NewState()
			if _, err := m.Load(t.Context(), store.Visitor{Entry: state.LoadEntry, Gray: state.LoadGray, Namespace: spaces.Load, User: users.LoadUser}); err != nil {
				t.Fatal(err)
			}
			if s := state.Stats(); s.Configs != configs || s.Grays != grays {
				t.Fatalf("served are %+v", s)
			}
			state.Each(func(k config.Key, it *config.Item) bool {
				if e := it.Formal; e.MD5 != digest(string(e.Content)) || e.Revision != 0 {
					t.Errorf("served is %+v", e)
				}
				return true
			})
			if u := users.User("nacos"); u == nil || !u.Is(auth.RoleAdmin) || users.User("dev") == nil || users.User("dev").Is(auth.RoleAdmin) {
				t.Errorf("users are %+v", users.Users())
			}
			reconcile(t, m, heldOf(t, m), 0)
			if h, err := m.Queries().History(t.Context(), public("app-1.yml"), "", 1, 10); err != nil || h.Total != 1 || h.Items[0].Op != config.OpInsert {
				t.Errorf("history has %+v, %v", h, err)
			}

			mustCommit(t, m, publish(t, public("app-1.yml"), "changed", ""), publish(t, public("new"), "new", ""), remove(t, public("app-200.yml")))
			// What that Nacos asks: what changed since a time, what was removed, and the contents by key.
			for _, q := range []struct{ query, want string }{
				{"SELECT GROUP_CONCAT(CONCAT_WS(':', data_id, tenant_id, md5 = MD5(content)) ORDER BY id) FROM config_info WHERE gmt_modified >= FROM_UNIXTIME(1700000000) AND src_user = 'new'",
					fmt.Sprintf("app-1.yml:%s:1,new:%[1]s:1", tenant)},
				{"SELECT GROUP_CONCAT(CONCAT_WS(':', TRIM(op_type), data_id, tenant_id, publish_type, md5 = MD5(content)) ORDER BY nid) FROM his_config_info WHERE revision IS NOT NULL",
					fmt.Sprintf("U:app-1.yml:%s:formal:1,I:new:%[1]s:formal:1,D:app-200.yml:%[1]s:formal:1", tenant)},
				{"SELECT COUNT(*) FROM config_info WHERE content IS NULL OR md5 <> MD5(content) OR encrypted_data_key IS NULL", "0"},
				{"SELECT GROUP_CONCAT(CONCAT_WS(':', role, resource, action)) FROM permissions", "readers:dev:*:*:r"},
			} {
				var got string
				if err := db.QueryRow(q.query).Scan(&got); err != nil || got != q.want {
					t.Errorf("%s:\n%s, want %s; %v", q.query, got, q.want, err)
				}
			}
			if results, err := m.Commit(t.Context(), []journal.Command{addFirst(t)}); err != nil || results[0].Outcome.(auth.Outcome).Fault == nil {
				t.Errorf("a server with Nacos' users takes another first one: %+v, %v", results, err)
			}
		})
	}
}

func addFirst(t *testing.T) journal.Command {
	t.Helper()
	cmd, err := command{auth.KindAddFirst, &authpb.AddFirst{Name: "eve", Hash: "h"}}.encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}
