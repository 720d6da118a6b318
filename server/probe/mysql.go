package probe

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// readOnly is the command with which Nacos tells a primary from its copies.
const readOnly = "show global variables where variable_name='read_only'"

// askMySQL runs the command. For that which asks whether the server is read-only, ON means no.
func askMySQL(ctx context.Context, c Checker, address string) Result {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr = c.User, c.Password, "tcp", address
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = time.Second, time.Second, time.Second
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return Result{Certain: true, Text: clip(err.Error())}
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	rows, err := db.QueryContext(ctx, c.Command)
	if err != nil {
		var refused *mysql.MySQLError
		if errors.As(err, &refused) {
			return Result{Certain: true, Text: clip(refused.Error())}
		}
		return failed(err)
	}
	defer rows.Close()
	if strings.EqualFold(strings.TrimSpace(c.Command), readOnly) {
		for rows.Next() {
			var name, value string
			if err := rows.Scan(&name, &value); err != nil {
				return failed(err)
			}
			if strings.EqualFold(value, "ON") {
				return Result{Certain: true, Text: "the server is read-only"}
			}
		}
	}
	if err := rows.Err(); err != nil {
		return failed(err)
	}
	return Result{OK: true, Text: "the command ran"}
}
