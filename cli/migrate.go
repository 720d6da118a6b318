package cli

import (
	"fmt"
	"strings"

	"nacre/server/settings"
)

// MigrateCmd shows what a start would change in the tables of a MySQL database.
type MigrateCmd struct {
	DryRun   bool   `name:"dry-run" required:"" help:"Print the statements and change nothing; a start of the server is what executes them."`
	MySQLDSN string `name:"mysql-dsn" env:"NACRE_MYSQL_DSN" required:"" placeholder:"DSN" help:"The database: user:password@tcp(host:3306)/database."`
}

// Help implements kong.HelpProvider.
func (*MigrateCmd) Help() string {
	return "A server with --storage mysql brings the tables of its database up to date when it starts, those that Nacos made too. This prints the SQL that it would execute."
}

// Run implements the command.
func (c *MigrateCmd) Run(env *Env) error {
	set := settings.Default()
	set.Storage, set.MySQLDSN = settings.StorageMySQL, c.MySQLDSN
	plan, err := env.Plan(env.Context(), set)
	if err != nil {
		return err
	}
	if len(plan) == 0 {
		fmt.Fprintln(env.Stdout, "-- the tables are up to date")
	}
	for _, statement := range plan {
		fmt.Fprintf(env.Stdout, "%s;\n", strings.TrimSuffix(strings.TrimSpace(statement), ";"))
	}
	return nil
}
