// Package wire is what the versions of Nacos' HTTP API share: how parameters are found in a request,
// what an answer looks like, and how names and namespaces are written on the wire.
//
// Quirks of one version live in that version's package. The forms of the default namespace ("",
// "public", "null") are known here and nowhere else.
package wire

import (
	"strings"
	"time"
	"unsafe"
)

// Blank reports whether s has nothing but white space.
func Blank(s string) bool { return strings.TrimSpace(s) == "" }

// textOf returns b as a string that shares its bytes.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unsafeBytes returns the bytes of s, which must not be changed.
func unsafeBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func modified(ms int64) time.Time { return time.UnixMilli(ms) }
