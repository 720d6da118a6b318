package resource

import (
	"errors"
	"strings"
	"testing"
)

func key(namespace, group, dataID string) ConfigKey {
	return ConfigKey{Namespace: namespace, Group: group, DataID: dataID}
}

func TestCheckKey(t *testing.T) {
	for _, tt := range []struct {
		name    string
		key     ConfigKey
		field   Field
		missing bool
		max     int
	}{
		{"a usual name", key("public", "DEFAULT_GROUP", "com.acme:order-svc_1.yaml"), "", false, 0},
		{"a namespace left to the default", key("", "g", "d"), "", false, 0},
		{"a dataId of 256 characters", key("", "g", strings.Repeat("d", 256)), "", false, 0},
		{"a dataId of 257 characters", key("", "g", strings.Repeat("d", 257)), FieldDataID, false, 256},
		{"a group of 129 characters", key("", strings.Repeat("g", 129), "d"), FieldGroup, false, 128},
		{"a namespace of 65 characters", key(strings.Repeat("n", 65), "g", "d"), FieldNamespace, false, 64},
		{"a blank dataId", key("", "g", " "), FieldDataID, true, 0},
		{"no group", key("", "", "d"), FieldGroup, true, 0},
		{"a slash", key("", "g", "a/b"), FieldDataID, false, 0},
		{"a space in the group", key("", "g g", "d"), FieldGroup, false, 0},
		{"Chinese letters", key("", "g", "配置"), FieldDataID, false, 0},
		{"a dot in the namespace", key("a.b", "g", "d"), FieldNamespace, false, 0},
	} {
		err := CheckKey(tt.key)
		var v *Violation
		if !errors.As(err, &v) {
			if tt.field != "" {
				t.Errorf("%s: no violation, got %v", tt.name, err)
			}
			continue
		}
		if v.Field != tt.field || v.Missing != tt.missing || v.Max != tt.max {
			t.Errorf("%s: got %+v (%s)", tt.name, v, v)
		}
	}
}

func TestLessOrdersByNamespaceGroupDataID(t *testing.T) {
	a, b, c, d := key("a", "z", "z"), key("b", "a", "z"), key("b", "b", "a"), key("b", "b", "b")
	for _, p := range [][2]ConfigKey{{a, b}, {b, c}, {c, d}} {
		if !p[0].Less(p[1]) || p[1].Less(p[0]) || p[0].Less(p[0]) {
			t.Errorf("%v and %v", p[0], p[1])
		}
	}
}
