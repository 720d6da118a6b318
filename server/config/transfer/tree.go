package transfer

import (
	"fmt"
	"strings"

	"nacre/server/resource"
)

// Layout is the rule that names the configurations of a folder's files, and back. docs/import.md
// describes it for users. In short: the first folder of a path is the group, the rest the dataId, in
// which '/' is written ':' and any other byte that a name can't have "::" and two hex digits. Names
// that no path becomes that way (a:b:, x::y) are files that begin with '='.
//
// Key and Path are inverse to one another: two files never become one configuration, nor two
// configurations one file.
type Layout struct {
	// RootGroup is the group of the files that stand in no folder. Empty means that every group has a
	// folder, as in Nacos' ZIP, and that files outside of one have no name.
	RootGroup string
}

// Key returns the name of the configuration that the file at path is; path is relative to the folder,
// slash-separated and clean. The error is a sentence for the report of what is left out.
func (l Layout) Key(path string) (Name, error) {
	first, rest, inFolder := strings.Cut(path, "/")
	var n Name
	switch {
	case inFolder:
		n = Name{groupNames.key(first), dataIDNames.key(rest)}
		if n.Group == l.RootGroup && l.rooted(n.DataID) {
			return Name{}, fmt.Errorf("the folder %s would be one with the files at the root, which are of that group (see --root-group)", first)
		}
	case l.RootGroup == "":
		return Name{}, fmt.Errorf("it is in no folder that names its group (see --root-group)")
	default:
		n = Name{l.RootGroup, dataIDNames.key(path)}
	}
	switch {
	case len(n.Group) > resource.MaxGroup:
		return Name{}, fmt.Errorf("its group would have %d characters, at most %d are allowed", len(n.Group), resource.MaxGroup)
	case len(n.DataID) > resource.MaxDataID:
		return Name{}, fmt.Errorf("its dataId would have %d characters, at most %d are allowed", len(n.DataID), resource.MaxDataID)
	}
	return n, nil
}

// Path returns the path of the file that is the configuration n. It never leads out of the folder.
func (l Layout) Path(n Name) string {
	if n.Group == l.RootGroup && l.rooted(n.DataID) {
		return dataIDNames.path(n.DataID)
	}
	return groupNames.path(n.Group) + "/" + dataIDNames.path(n.DataID)
}

// rooted reports whether a dataId of the root group stands at the root: when its path has one part.
func (l Layout) rooted(dataID string) bool {
	return !strings.Contains(dataIDNames.path(dataID), "/")
}

// FileTypeOf returns the type of a file by its extension: what TypeOf knows, and toml.
func FileTypeOf(path string) string {
	if strings.HasSuffix(strings.ToLower(path), ".toml") {
		return "toml"
	}
	return TypeOf(path)
}

// names turns paths into names of configurations and back.
type names struct {
	// deep allows paths of several parts.
	deep bool
}

var (
	groupNames  = names{}
	dataIDNames = names{deep: true}
)

// rawMark begins a path that holds a name as it is.
const rawMark = '='

// key returns the name for a path.
func (r names) key(path string) string {
	if len(path) > 1 && path[0] == rawMark && legal(path[1:]) {
		if name := path[1:]; !r.escaped(name) {
			return name
		}
	}
	return escape(path)
}

// path returns the path for a name.
func (r names) path(name string) string {
	if r.escaped(name) {
		p, _ := unescape(name)
		return p
	}
	return string(rawMark) + name
}

// escaped reports whether some path becomes name by escaping.
func (r names) escaped(name string) bool {
	p, ok := unescape(name)
	return ok && r.clean(p) && escape(p) == name && r.key(p) == name
}

// clean reports whether a file can have the path p: no part is empty, "." or "..", none has a NUL.
func (r names) clean(p string) bool {
	if !r.deep && strings.Contains(p, "/") || strings.Contains(p, "\x00") {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || dots(part) {
			return false
		}
	}
	return true
}

func legal(name string) bool {
	for i := range len(name) {
		if !plainByte(name[i]) && name[i] != ':' {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

const upperHex = "0123456789ABCDEF"

// escape writes '/' as ':' and other bytes that names don't have, ':' included, as "::" and two hex
// digits. Clean paths have no empty part, so that colons come alone (a slash), in twos (a byte) or in
// threes (a slash and a byte), and can be told apart.
func escape(path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case plainByte(c):
			b.WriteByte(c)
		case c == '/':
			b.WriteByte(':')
		default:
			b.WriteString("::")
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// unescape undoes escape; what escape does not write it may refuse or read somehow.
func unescape(name string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(name); {
		if name[i] != ':' {
			b.WriteByte(name[i])
			i++
			continue
		}
		colons := 1
		for i+colons < len(name) && name[i+colons] == ':' {
			colons++
		}
		i += colons
		if colons == 1 || colons == 3 {
			b.WriteByte('/')
		}
		if colons == 1 {
			continue
		}
		if colons > 3 || i+2 > len(name) {
			return "", false
		}
		high, low := strings.IndexByte(upperHex, name[i]), strings.IndexByte(upperHex, name[i+1])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), true
}
