package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"nacre/server/settings"
)

func TestMigratePrintsWhatAStartWouldExecute(t *testing.T) {
	for _, tt := range []struct {
		plan []string
		err  error
		out  string
		code int
	}{
		{[]string{"CREATE TABLE a (b int)", " ALTER TABLE a;\n"}, nil, "CREATE TABLE a (b int);\nALTER TABLE a;\n", ExitOK},
		{nil, nil, "-- the tables are up to date\n", ExitOK},
		{nil, &settings.Error{Setting: "mysql-dsn", Value: "********", Want: "must be one"}, "", ExitUsage},
	} {
		var out, stderr bytes.Buffer
		code := Main(t.Context(), []string{"migrate", "--dry-run", "--mysql-dsn", "u:secret@tcp(db)/n"}, Env{Stdout: &out, Stderr: &stderr,
			Plan: func(_ context.Context, s settings.Settings) ([]string, error) {
				if s.MySQLDSN != "u:secret@tcp(db)/n" {
					t.Errorf("the DSN is %q", s.MySQLDSN)
				}
				return tt.plan, tt.err
			}})
		if code != tt.code || out.String() != tt.out || strings.Contains(stderr.String(), "secret") {
			t.Errorf("exit %d: %q %q, want %d: %q", code, out.String(), stderr.String(), tt.code, tt.out)
		}
	}
}
