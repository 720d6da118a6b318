// Package migrations holds the steps that build the tables, numbered SQL files of which each is one
// step. A released step is never changed: what comes later is a further step.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed sqlite/*.sql
var sqliteFiles embed.FS

//go:embed mysql/*.sql
var mysqlFiles embed.FS

// SQLite returns the steps of the embedded database.
func SQLite() fs.FS { return sub(sqliteFiles, "sqlite") }

// MySQL returns the steps of a shared database. Number 5 is not among them: it adds the columns that an
// older Nacos database lacks, which only looking at it tells, and stands in store. All of them only
// add, as another Nacos may share the database.
func MySQL() fs.FS { return sub(mysqlFiles, "mysql") }

func sub(files embed.FS, dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the name is a constant of this file
	}
	return f
}
