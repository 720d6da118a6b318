// Package store writes and reads the rows of Nacre's durable state: the SQLite image of an embedded
// node, written behind its memory, and the transactions of a node that shares a MySQL database.
//
// It is the only package that knows GORM and SQL. Both databases have the tables of Nacos under its
// names and with its meaning, and share the queries.
package store
