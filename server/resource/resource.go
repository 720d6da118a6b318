// Package resource holds the names of things and the rules that names obey.
//
// Lengths and characters stand here once. They are those of Nacos' parameter check (protocol notes,
// http.md §4): what an edge shows of a violation is the edge's own wording.
package resource

import (
	"fmt"
	"strings"
)

// DefaultNamespace is the one internal id of the default namespace. The forms that clients use for
// it ("", "public") are made into this one at the edge, by web/api/wire alone.
const DefaultNamespace = "public"

// DefaultGroup is the group a client means when it names none.
const DefaultGroup = "DEFAULT_GROUP"

// ConfigKey names a configuration. Namespace is canonical: never empty.
type ConfigKey struct {
	Namespace string
	Group     string
	DataID    string
}

// String returns the key for logs and messages: namespace/group/dataId.
func (k ConfigKey) String() string { return k.Namespace + "/" + k.Group + "/" + k.DataID }

// Parts returns the three names of which the key consists.
func (k ConfigKey) Parts() (namespace, group, dataID string) { return k.Namespace, k.Group, k.DataID }

// Less orders keys by namespace, group and dataId; locks on rows are taken in this order.
func (k ConfigKey) Less(o ConfigKey) bool {
	if k.Namespace != o.Namespace {
		return k.Namespace < o.Namespace
	}
	if k.Group != o.Group {
		return k.Group < o.Group
	}
	return k.DataID < o.DataID
}

// Limits on names, in characters. All allowed characters are ASCII, so these are bytes too.
const (
	MaxNamespace = 64
	MaxGroup     = 128
	MaxDataID    = 256
	MaxTag       = 16
)

// Field is a part of a name that a rule speaks of.
type Field string

// The fields that Check can complain about, in the spelling of Nacos' messages.
const (
	FieldNamespace Field = "namespaceId/tenant"
	FieldGroup     Field = "group"
	FieldDataID    Field = "dataId"
)

// Violation is a name that breaks a rule. Edges word it as their protocol does.
type Violation struct {
	Field Field
	Value string
	// Max is the length that was passed, in characters; 0 when a character is illegal instead.
	Max int
	// Missing says that the value is blank where one is required.
	Missing bool
}

// Error words the violation for logs and for APIs without a wording of their own.
func (v *Violation) Error() string {
	switch {
	case v.Missing:
		return fmt.Sprintf("%s is required", v.Field)
	case v.Max == 0 && (v.Field == FieldService || v.Field == FieldIP):
		return fmt.Sprintf("%s %.100q has blanks, Chinese or control characters, or the separator @@, which are not allowed", v.Field, v.Value)
	case v.Max > 0:
		return fmt.Sprintf("%s is %d characters long, at most %d are allowed", v.Field, len(v.Value), v.Max)
	default:
		return fmt.Sprintf("%s %q has a character that is not allowed; letters, digits, '_', '-'%s are", v.Field, v.Value, extra(v.Field))
	}
}

func extra(f Field) string {
	if f == FieldNamespace || f == FieldCluster {
		return ""
	}
	return ", '.' and ':'"
}

// CheckNamespace returns a Violation when id is no legal namespace id; "" is legal here, as it means the default one.
func CheckNamespace(id string) error {
	return check(FieldNamespace, id, MaxNamespace, isNamespaceByte)
}

// CheckKey returns a Violation when k's group or dataId is blank or illegal, or its namespace illegal.
func CheckKey(k ConfigKey) error {
	switch {
	case strings.TrimSpace(k.DataID) == "":
		return &Violation{Field: FieldDataID, Missing: true}
	case strings.TrimSpace(k.Group) == "":
		return &Violation{Field: FieldGroup, Missing: true}
	}
	if err := CheckNamespace(k.Namespace); err != nil {
		return err
	}
	if err := check(FieldDataID, k.DataID, MaxDataID, isNameByte); err != nil {
		return err
	}
	return check(FieldGroup, k.Group, MaxGroup, isNameByte)
}

// CheckName returns a Violation when a dataId or group, whichever f says, is illegal; blank is legal here.
func CheckName(f Field, value string) error {
	if f == FieldGroup {
		return check(f, value, MaxGroup, isNameByte)
	}
	return check(f, value, MaxDataID, isNameByte)
}

func check(f Field, value string, most int, ok func(byte) bool) error {
	if len(value) > most {
		return &Violation{Field: f, Value: value, Max: most}
	}
	for i := 0; i < len(value); i++ {
		if !ok(value[i]) {
			return &Violation{Field: f, Value: value}
		}
	}
	return nil
}

func isNamespaceByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func isNameByte(c byte) bool { return isNamespaceByte(c) || c == '.' || c == ':' }
