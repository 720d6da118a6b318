package store

import (
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"nacre/server/fault"
)

// maxPattern is the longest pattern in bytes that a search takes: SQLite's own limit on LIKE.
const maxPattern = 50_000

// condition is a piece of SQL that is true or false of a row.
type condition struct {
	sql  string
	args []any
}

// sqlPattern returns p in the form of SQL's LIKE, and whether anything in it is a wildcard.
func sqlPattern(p string) (like string, wild bool) {
	like = strings.ReplaceAll(p, "*", "%")
	return like, strings.ContainsAny(like, "%_")
}

// isExact reports whether a pattern is the one value that it matches.
func isExact(p string, exact bool) bool {
	_, wild := sqlPattern(p)
	return exact || !wild
}

// matches says that a column of names matches the pattern p, or equals it when exact.
func matches(db *gorm.DB, column, p string, exact bool) condition {
	like, wild := sqlPattern(p)
	switch {
	case exact || !wild:
		return condition{column + " = ?", []any{p}}
	case isMySQL(db):
		// Nacos' users mean a backslash when they type one.
		return condition{column + " LIKE ? ESCAPE ''", []any{like}}
	}
	return condition{column + " LIKE ?", []any{like}}
}

// contains says that a content matches the pattern p. In SQLite a content is bytes, which LIKE would
// read up to the first zero: a search for a piece is instr, the rest is asked of likeBytes for the
// rows that have the longest piece of the pattern.
func contains(db *gorm.DB, p string) condition {
	like, wild := sqlPattern(p)
	if isMySQL(db) {
		return matches(db, "content", p, false)
	}
	if !wild {
		return condition{"content = ?", []any{[]byte(p)}}
	}
	longest, pieces := "", 0
	for piece := range strings.FieldsFuncSeq(like, func(r rune) bool { return r == '%' || r == '_' }) {
		pieces++
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	switch {
	case pieces == 1 && strings.Trim(like, "%") == longest && like[0] == '%' && like[len(like)-1] == '%':
		return condition{"instr(content, ?) > 0", []any{[]byte(longest)}}
	case pieces == 0:
		return condition{"nacre_like(?, content)", []any{like}}
	}
	return condition{"instr(content, ?) > 0 AND nacre_like(?, content)", []any{[]byte(longest), like}}
}

func checkPattern(patterns ...string) error {
	for _, p := range patterns {
		if len(p) > maxPattern {
			return fault.New(fault.Invalid, "what is searched for has %d bytes, at most %d are taken", len(p), maxPattern)
		}
	}
	return nil
}

// likeBytes reports whether s as a whole matches a pattern of SQL's LIKE: '%' is any bytes, '_' one
// character, or one byte where s is no UTF-8.
func likeBytes(pattern string, s []byte) bool {
	p, i := 0, 0
	star, from := -1, 0 // the last '%' seen, and where in s what follows it was tried
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			star, from = p, i
			p++
			continue
		case p < len(pattern) && pattern[p] == '_':
			_, n := utf8.DecodeRune(s[i:])
			p, i = p+1, i+n
			continue
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
			continue
		case star < 0:
			return false
		}
		_, n := utf8.DecodeRune(s[from:])
		from += n
		p, i = star+1, from
	}
	return strings.Trim(pattern[p:], "%") == ""
}
